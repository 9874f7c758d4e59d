// Shows the messages, and follows the end of the conversation unless the reader has scrolled up.

const AT_END_PIXELS = 30;
const PENDING = "…";

const element = (id) => document.getElementById(id);

// Makes an element with text content only, never HTML, so that no message can change the page.
function make(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

export class MessageList {
  constructor(onRetry) {
    this.onRetry = onRetry;
    this.botName = "Bot";
    this.items = new Map();
    this.following = true;
    this.lastTop = 0;
    const sizes = new ResizeObserver(() => this.scroll());
    [element("talk"), element("messages")].forEach((observed) => sizes.observe(observed));
    element("talk").addEventListener("scroll", () => this.noteScrolling());
    element("newest").addEventListener("click", () => this.follow());
  }

  // Shows all messages of a conversation.
  reset(messages) {
    element("messages").replaceChildren();
    this.items.clear();
    element("empty").hidden = messages.length > 0;
    messages.forEach((message) => this.show(message));
    this.follow();
  }

  // Shows a message at the end, or again after its state has changed.
  show(message) {
    const item = make("li", message.role === "user" ? "me" : "bot");
    item.append(make("span", "for-screen-readers", message.role === "user" ? "You:" : this.botName + ":"));
    const text = make("div", "message", message.content);
    text.dir = "auto";
    text.lang = "";
    if (!message.content) Object.assign(text, { className: "message without-text", textContent: "no text" });
    item.append(text);
    if (message.state === "failed") {
      item.classList.add("failed");
      item.append(this.problemOf(message));
    }
    if (this.items.has(message)) this.items.get(message).replaceWith(item);
    else element("messages").append(item);
    this.items.set(message, item);
    element("empty").hidden = true;
  }

  remove(message) {
    this.items.get(message)?.remove();
    this.items.delete(message);
  }

  problemOf(message) {
    const problem = make("div", "problem");
    const retry = make("button", "retry", "Send again");
    retry.type = "button";
    retry.addEventListener("click", () => this.onRetry(message));
    problem.append(make("span", "", "No reply: " + message.problem + "."), retry);
    return problem;
  }

  // Shows an empty reply and returns the function that shows its text so far.
  showPendingReply(reply) {
    this.show({ ...reply, content: PENDING });
    const item = element("messages").lastElementChild;
    item.classList.add("waiting");
    item.setAttribute("aria-hidden", "true");
    this.items.set(reply, item);
    return (content) => {
      item.classList.remove("waiting");
      item.querySelector(".message").textContent = content;
    };
  }

  follow() {
    this.following = true;
    this.scroll();
  }

  scroll() {
    if (this.following) element("talk").scrollTop = element("talk").scrollHeight;
    this.lastTop = element("talk").scrollTop;
    element("newest").hidden = this.following;
  }

  // Only a reader scrolls up; growing content and windows do not.
  noteScrolling() {
    const { scrollTop, scrollHeight, clientHeight } = element("talk");
    if (scrollHeight - scrollTop - clientHeight <= AT_END_PIXELS) this.following = true;
    else if (scrollTop < this.lastTop) this.following = false;
    this.lastTop = scrollTop;
    element("newest").hidden = this.following;
  }
}
