// Requests to the server: the bot, and replies as streams of words.

import { recall, remember } from "./storage.js";

const KEY = "key";
const OTHER_MODEL = "the server now has another model; reload the page to talk to that one";
let key = recall(KEY);

export function setKey(value) {
  key = value;
  remember(KEY, value);
}

// Why the server did not do what the page asked for. `needsKey`: the key is missing or wrong.
export class ServerError extends Error {
  constructor(message, needsKey = false) {
    super(message);
    this.needsKey = needsKey;
  }
}

async function request(path, body, signal) {
  const headers = {};
  if (key) headers["Authorization"] = "Bearer " + key;
  if (body) headers["Content-Type"] = "application/json";
  const options = { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal };
  const response = await fetch(path, options).catch((error) => {
    throw error.name === "AbortError" ? error : new ServerError("the server does not respond");
  });
  if (response.status === 401) throw new ServerError(key ? "the server rejects this key" : "the server needs a key", true);
  if (!response.ok) {
    const error = await response.json().catch(() => ({}));
    throw new ServerError(error.message || "the server returned status " + response.status);
  }
  return response;
}

// Returns the bot: its name, the person, the trained model, and the ids by which its moods are requested.
export async function loadBot() {
  const models = (await (await request("v1/models")).json()).data;
  const [{ id: name, person, artifact }] = models;
  const moods = models.map(({ id }) => ({ id, label: id.slice(name.length + 1) || "usual" }));
  return { name, person, artifact, moods };
}

// Requests a reply of an artifact (a trained model) and calls onWord with each word of it. `model` is the bot with a mood.
export async function streamReply(artifact, model, messages, signal, onWord) {
  const response = await request("v1/chat/completions", { model, messages, stream: true }, signal);
  try {
    for await (const data of readEvents(response.body)) {
      if (data === "[DONE]") return;
      const chunk = JSON.parse(data);
      if (chunk.system_fingerprint !== artifact) throw new ServerError(OTHER_MODEL);
      onWord(chunk.choices[0].delta.content || "");
    }
  } catch (error) {
    if (error.name === "AbortError" || error instanceof ServerError) throw error;
  }
  throw new ServerError("the connection broke before the end of the reply");
}

async function* readEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let incomplete = "";
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    const events = (incomplete + chunk.value).split("\n\n");
    incomplete = events.pop();
    for (const event of events) yield event.replace(/^data: /, "");
  }
}
