// The chat page: connects the controls, the conversation and the server.

import { Conversation } from "./conversation.js";
import { MessageList } from "./messages.js";
import { loadBot, setKey, streamReply } from "./server.js";
import { recall, remember } from "./storage.js";

const DRAFT = "draft";
const element = (id) => document.getElementById(id);
const field = element("text");
const list = new MessageList(retry);
// Null until the server has described the bot.
let conversation = null;
// Aborts the request in progress; null if there is none.
let current = null;

async function connect() {
  try {
    showBot(await loadBot());
    return true;
  } catch (error) {
    showProblem(error);
    return false;
  }
}

function showBot(bot) {
  element("key-form").hidden = element("notice").hidden = true;
  if (conversation) return;
  document.title = element("name").textContent = list.botName = bot.name;
  if (bot.person) element("person").textContent = bot.person;
  element("mood").replaceChildren(...bot.moods.map(({ id, label }) => new Option(label, id)));
  element("mood-choice").hidden = bot.moods.length < 2;
  conversation = new Conversation(bot.artifact);
  conversation.settleInterrupted();
  showConversation();
}

function showConversation() {
  list.reset(conversation.messages);
  const stored = [...element("mood").options].find((mood) => mood.value === conversation.mood);
  if (stored) stored.selected = true;
}

function showProblem(error) {
  element("key-form").hidden = !error.needsKey;
  element("reconnect").hidden = error.needsKey;
  element("problem").textContent = "Not connected: " + error.message + ".";
  element("notice").hidden = false;
  if (error.needsKey) element("key").focus();
}

function announce(text) {
  element("announcement").textContent = text;
}

function setText(text) {
  field.value = text;
  remember(DRAFT, text);
  fitField();
}

// Grows with the text; the style sheet limits the height.
function fitField() {
  field.style.height = "auto";
  field.style.height = field.scrollHeight + field.offsetHeight - field.clientHeight + "px";
}

async function deliver(message) {
  const { signal } = (current = new AbortController());
  const reply = { role: "assistant", content: "" };
  element("send").disabled = true;
  list.show(message);
  list.follow();
  const update = list.showPendingReply(reply);
  try {
    await streamReply(conversation.artifact, element("mood").value, conversation.contextOf(message), signal, (word) => {
      reply.content += word;
      if (!signal.aborted) update(reply.content);
    });
    if (signal.aborted) return;
    conversation.settle(message);
    list.show(conversation.add(reply));
    announce(list.botName + ": " + (reply.content || "no text"));
  } catch (error) {
    if (signal.aborted) return;
    list.remove(reply);
    conversation.settle(message, error.message);
    list.show(message);
    announce("No reply: " + error.message);
    if (error.needsKey) showProblem(error);
  } finally {
    if (current?.signal === signal) {
      current = null;
      element("send").disabled = false;
    }
  }
}

function retry(message) {
  if (current) return;
  message.state = "waiting";
  conversation.add(message);
  list.remove(message);
  field.focus();
  deliver(message);
}

async function submit(event) {
  event.preventDefault();
  field.focus();
  const text = field.value.trim();
  if (!text || current || !(conversation || (await connect())) || current) return;
  setText("");
  deliver(conversation.add({ role: "user", content: text, state: "waiting" }));
}

function clear() {
  field.focus();
  if (!conversation?.messages.length || !confirm("Delete this conversation from this browser?")) return;
  current?.abort();
  current = null;
  element("send").disabled = false;
  conversation.clear();
  list.reset([]);
  announce("The conversation is deleted.");
}

element("form").addEventListener("submit", submit);
element("clear").addEventListener("click", clear);
element("reconnect").addEventListener("click", connect);

field.addEventListener("keydown", (event) => {
  // While an input method composes a character, Enter confirms it. Safari reports that by the key code only.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  element("form").requestSubmit();
});

field.addEventListener("input", () => {
  remember(DRAFT, field.value);
  fitField();
});

element("mood").addEventListener("change", () => {
  if (!conversation) return;
  conversation.mood = element("mood").value;
  conversation.save();
});

element("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setKey(element("key").value);
  element("key").value = "";
  connect();
});

// Another tab has changed the conversation.
window.addEventListener("storage", (event) => {
  if (event.key !== conversation?.key || current) return;
  conversation.load();
  showConversation();
});

window.addEventListener("resize", fitField);
setText(field.value || recall(DRAFT));
connect();
