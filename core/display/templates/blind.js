"use strict";
{
  const test = JSON.parse(document.getElementById("test").textContent);
  const find = (id) => document.getElementById(id);
  const answers = [];

  // The place of the person's reply is bit `index` of `key`, inverted for every second moment: see blind_page.py.
  const place = (index) => ((parseInt(test.key[index >> 2], 16) >> (index & 3)) & 1) ^ (index & 1);
  const isRight = (index) => answers[index] === place(index);

  function show(section) {
    for (const id of ["start", "question", "end"]) find(id).hidden = id !== section;
  }

  function message(text, kind, author) {
    const bubble = document.createElement("p");
    bubble.className = kind;
    bubble.dir = "auto";
    if (author) {
      const small = document.createElement("small");
      small.textContent = author;
      bubble.append(small);
    }
    bubble.append(text || "(no text)");
    return bubble;
  }

  function context(moment) {
    return moment.context.map((turn, index) =>
      message(turn, (moment.context.length - index) % 2 ? "client" : "server"));
  }

  function ask() {
    const index = answers.length;
    const moment = test.moments[index];
    find("progress").textContent = `${index + 1} of ${test.moments.length}`;
    find("context").replaceChildren(...context(moment));
    for (const button of document.querySelectorAll(".choice")) {
      button.lastElementChild.textContent = moment.replies[button.dataset.choice] || "(no text)";
    }
    find("back").disabled = find("stop").disabled = index === 0;
    show("question");
    find("prompt").focus({preventScroll: true});
    window.scrollTo(0, 0);
  }

  function choose(choice) {
    answers.push(choice);
    if (answers.length < test.moments.length) ask();
    else finish();
  }

  function back() {
    if (answers.length) {
      answers.pop();
      ask();
    }
  }

  function finish() {
    const right = answers.filter((_, index) => isRight(index)).length;
    const share = right / answers.length;
    const [low, high] = wilson(share, answers.length);
    const chance = low > 0.5 ? "You can tell them apart."
      : high < 0.5 ? "You took the bot for the person more often than not."
      : "This is not clearly better than guessing.";
    find("score").textContent = `You were right in ${right} of ${answers.length}: ${percent(share)}`;
    find("interval").textContent =
      `95\u00a0% confidence interval: ${percent(low)} to ${percent(high)}. Guessing gives 50\u00a0%. ${chance}`;
    find("result").value = resultText();
    const shown = {fooled: [], others: []};
    answers.forEach((_, index) => shown[isRight(index) ? "others" : "fooled"].push(solution(index)));
    find("fooled").replaceChildren(...(shown.fooled.length ? shown.fooled : ["in no moment."]));
    find("others").replaceChildren(...(shown.others.length ? shown.others : ["none"]));
    show("end");
    find("score").focus({preventScroll: true});
    window.scrollTo(0, 0);
  }

  function solution(index) {
    const moment = test.moments[index];
    const whole = document.createElement("div");
    const title = document.createElement("h3");
    const messages = document.createElement("div");
    whole.className = "example";
    messages.className = "messages";
    title.textContent = `Moment ${index + 1}`;
    messages.append(
      ...context(moment),
      message(moment.replies[place(index)], "server", test.person),
      message(moment.replies[1 - place(index)], "server bot", "bot"),
    );
    whole.append(title, messages);
    return whole;
  }

  const percent = (share) => `${Math.round(100 * share)}\u00a0%`;

  function wilson(share, number) {
    const squared = 1.959964 ** 2 / number;
    const center = (share + squared / 2) / (1 + squared);
    const margin = Math.sqrt(share * (1 - share) * squared + squared ** 2 / 4) / (1 + squared);
    return [Math.max(0, center - margin), Math.min(1, center + margin)];
  }

  // The same bytes as `BlindResult.text` in blind_result.py.
  function resultText() {
    const bits = new Uint8Array(Math.ceil(answers.length / 8));
    answers.forEach((_, index) => { bits[index >> 3] |= isRight(index) << (index & 7); });
    const content = [...fromBase32(test.id), ...friend, answers.length, ...bits];
    const checksum = crc32(content);
    return `acc1:${toBase32([...content, ...[24, 16, 8, 0].map((shift) => (checksum >>> shift) & 255)])}`;
  }

  const DIGITS = "abcdefghijklmnopqrstuvwxyz234567";
  const friend = crypto.getRandomValues(new Uint8Array(3));

  function toBase32(bytes) {
    const bits = bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
    return bits.match(/.{1,5}/g).map((group) => DIGITS[parseInt(group.padEnd(5, "0"), 2)]).join("");
  }

  function fromBase32(text) {
    const bits = [...text].map((digit) => DIGITS.indexOf(digit).toString(2).padStart(5, "0")).join("");
    return bits.match(/.{8}/g).map((group) => parseInt(group, 2));
  }

  function crc32(bytes) {
    let crc = -1;
    for (const byte of bytes) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc >>> 0;
  }

  async function copy() {
    find("result").select();
    let done = false;
    try {
      await navigator.clipboard.writeText(find("result").value);
      done = true;
    } catch {
      done = document.execCommand("copy");
    }
    find("copied").textContent = done ? "Copied." : "Press Ctrl+C to copy.";
  }

  find("begin").addEventListener("click", ask);
  find("back").addEventListener("click", back);
  find("stop").addEventListener("click", finish);
  find("copy").addEventListener("click", copy);
  for (const button of document.querySelectorAll(".choice")) {
    button.addEventListener("click", (event) => {
      if (event.detail < 2) choose(Number(button.dataset.choice)); // the second click of a double click is not an answer
    });
  }
  document.addEventListener("keydown", (event) => {
    if (find("question").hidden || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (event.key === "1" || event.key === "2") choose(event.key - 1);
    else if (event.key === "Backspace") back();
    else return;
    event.preventDefault();
  });
  show("start");
  find("begin").focus({preventScroll: true});
}
