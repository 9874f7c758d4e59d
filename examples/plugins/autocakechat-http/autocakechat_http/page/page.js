// The whole page: the conversation lives here and is sent along with every message; the server keeps nothing.
"use strict";

const find = (id) => document.getElementById(id);
const KEPT = 20;
const THINKING = "…";
let said = [];
let conversation = 0;

// Text is only ever set as text, so nothing that anybody says becomes part of the page.
function show(text, who) {
  const line = document.createElement("div");
  line.className = who === "note" ? "note" : "said " + who;
  line.textContent = text;
  find("talk").append(line);
  line.scrollIntoView({ block: "end" });
  return line;
}

async function ask(path, body) {
  const headers = {};
  const key = sessionStorage.getItem("key");
  if (key) headers["Authorization"] = "Bearer " + key;
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
  if (answer.status === 401) askForKey();
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw new Error(told.message || "the server answered " + answer.status);
  }
  return answer;
}

function askForKey() {
  find("key-form").hidden = false;
  find("key").focus();
}

async function open() {
  try {
    const models = (await (await ask("v1/models")).json()).data.map((model) => model.id);
    const name = models[0];
    document.title = find("name").textContent = name;
    const moods = models.map((id) => new Option(id.slice(name.length + 1) || "usual", id));
    find("mood").replaceChildren(...moods);
    find("mood-choice").hidden = models.length < 2;
    find("key-form").hidden = true;
  } catch (error) {
    show(error.message, "note");
  }
}

// Reads server-sent events and hands on every word of the answer.
async function readWords(answer, hear) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const events = (rest + part.value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.replace(/^data: /, "");
      if (data === "[DONE]") return;
      hear(JSON.parse(data).choices[0].delta.content || "");
    }
  }
}

async function say(text) {
  const mine = conversation;
  const asked = { role: "user", content: text };
  show(text, "me");
  find("send").disabled = true;
  const line = show(THINKING, "bot");
  let heard = "";
  try {
    const messages = [...said, asked].slice(-KEPT);
    await readWords(await ask("v1/chat/completions", { model: find("mood").value, messages, stream: true }), (word) => {
      heard += word;
      line.textContent = heard;
    });
    if (mine === conversation) said.push(asked, { role: "assistant", content: heard });
  } catch (error) {
    line.remove();
    if (mine === conversation) show("No answer: " + error.message, "note");
  } finally {
    find("send").disabled = false;
    find("text").focus();
  }
}

find("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = find("text").value.trim();
  if (!text || find("send").disabled) return;
  find("text").value = "";
  say(text);
});

find("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    find("form").requestSubmit();
  }
});

find("forget").addEventListener("click", () => {
  said = [];
  conversation += 1;
  find("talk").replaceChildren();
  find("text").focus();
});

find("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("key", find("key").value);
  find("key").value = "";
  open();
});

open();
