// Short texts that a reload keeps, for this tab only. Browsers can forbid storage; then they are lost by a reload.

export function remember(name, text) {
  try {
    sessionStorage.setItem(name, text);
  } catch {}
}

export function recall(name) {
  try {
    return sessionStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}
