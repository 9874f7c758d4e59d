// The conversation is kept in this page and sent with every message; the server stores nothing.
"use strict";

const element = (id) => document.getElementById(id);
const MAX_MESSAGES = 20;
const PENDING = "…";
let conversation = [];
let conversationNumber = 0;

// Sets text content only, never HTML, so that no message can change the page.
function showMessage(text, kind) {
  const bubble = document.createElement("div");
  bubble.className = kind === "note" ? "note" : "message " + kind;
  bubble.textContent = text;
  element("talk").append(bubble);
  bubble.scrollIntoView({ block: "end" });
  return bubble;
}

async function request(path, body) {
  const headers = {};
  const key = sessionStorage.getItem("key");
  if (key) headers["Authorization"] = "Bearer " + key;
  if (body) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
  if (response.status === 401) showKeyForm();
  if (!response.ok) {
    const error = await response.json().catch(() => ({}));
    throw new Error(error.message || "the server returned status " + response.status);
  }
  return response;
}

function showKeyForm() {
  element("key-form").hidden = false;
  element("key").focus();
}

async function loadModels() {
  try {
    const models = (await (await request("v1/models")).json()).data.map((model) => model.id);
    const name = models[0];
    document.title = element("name").textContent = name;
    const moods = models.map((id) => new Option(id.slice(name.length + 1) || "usual", id));
    element("mood").replaceChildren(...moods);
    element("mood-choice").hidden = models.length < 2;
    element("key-form").hidden = true;
  } catch (error) {
    showMessage(error.message, "note");
  }
}

// Reads server-sent events and calls onWord with every word of the reply.
async function readWords(response, onWord) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let incomplete = "";
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    const events = (incomplete + chunk.value).split("\n\n");
    incomplete = events.pop();
    for (const event of events) {
      const data = event.replace(/^data: /, "");
      if (data === "[DONE]") return;
      onWord(JSON.parse(data).choices[0].delta.content || "");
    }
  }
}

async function sendMessage(text) {
  const startedIn = conversationNumber;
  const message = { role: "user", content: text };
  showMessage(text, "me");
  element("send").disabled = true;
  const bubble = showMessage(PENDING, "bot");
  let reply = "";
  try {
    const messages = [...conversation, message].slice(-MAX_MESSAGES);
    const body = { model: element("mood").value, messages, stream: true };
    await readWords(await request("v1/chat/completions", body), (word) => {
      reply += word;
      bubble.textContent = reply;
    });
    if (startedIn === conversationNumber) conversation.push(message, { role: "assistant", content: reply });
  } catch (error) {
    bubble.remove();
    if (startedIn === conversationNumber) showMessage("No reply: " + error.message, "note");
  } finally {
    element("send").disabled = false;
    element("text").focus();
  }
}

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = element("text").value.trim();
  if (!text || element("send").disabled) return;
  element("text").value = "";
  sendMessage(text);
});

element("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    element("form").requestSubmit();
  }
});

element("forget").addEventListener("click", () => {
  conversation = [];
  conversationNumber += 1;
  element("talk").replaceChildren();
  element("text").focus();
});

element("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("key", element("key").value);
  element("key").value = "";
  loadModels();
});

loadModels();
