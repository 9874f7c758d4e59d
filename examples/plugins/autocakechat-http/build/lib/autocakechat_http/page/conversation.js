// A conversation with one trained model, in the storage of this browser. The server stores nothing.

const MAX_STORED = 500;
const MAX_SENT = 20;
const MAX_SENT_CHARACTERS = 30_000;

// A message is { role, content, state, problem }. The state of a user's message is "waiting" until the reply is
// complete, then undefined, or "failed" with a problem.
export class Conversation {
  constructor(artifact) {
    this.artifact = artifact;
    this.key = "conversation " + artifact;
    this.load();
  }

  load() {
    let stored = null;
    try {
      stored = JSON.parse(localStorage.getItem(this.key));
    } catch {}
    this.messages = stored?.messages ?? [];
    this.mood = stored?.mood ?? "";
  }

  save() {
    for (let count = MAX_STORED; count >= 1; count = Math.floor(count / 2)) {
      try {
        localStorage.setItem(this.key, JSON.stringify({ messages: this.messages.slice(-count), mood: this.mood }));
        return;
      } catch {
        // The storage is full: keep fewer messages. If it is forbidden, a reload starts a new conversation.
      }
    }
  }

  // Adds a message, or moves it to the end.
  add(message) {
    this.messages = [...this.messages.filter((other) => other !== message), message];
    this.save();
    return message;
  }

  settle(message, problem) {
    message.state = problem ? "failed" : undefined;
    message.problem = problem;
    this.save();
  }

  // A message that waits for a reply when the page is opened waits in vain.
  settleInterrupted() {
    for (const message of this.messages) {
      if (message.state === "waiting") this.settle(message, "the page was closed before the reply");
    }
  }

  clear() {
    this.messages = [];
    this.save();
  }

  // Returns what the server gets for a reply to a message: the message after the latest ones that were delivered.
  contextOf(message) {
    const delivered = this.messages.filter((other) => other !== message && !other.state && other.content);
    const context = [message];
    let characters = message.content.length;
    for (const earlier of delivered.slice(1 - MAX_SENT).reverse()) {
      characters += earlier.content.length;
      if (characters > MAX_SENT_CHARACTERS) break;
      context.unshift(earlier);
    }
    return context.map(({ role, content }) => ({ role, content }));
  }
}
