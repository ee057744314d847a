/** The state, the audience, delays, cost and the notice. */
import { clock } from "../admin/clock.js";

const byId = (id) => document.getElementById(id);
const STATES = { waiting: "Waiting", live: "Live", paused: "Paused", ended: "Ended" };
const STAGES = { recognition: "the words are known", caption: "a caption is there", voice: "the voice begins" };
const ORDERED = { paused: "Pausing: the last words are being finished.", ended: "Ending: the last words are being finished." };
const CHOICE_KEY = "control-languages";
const SHOWN_AT_FIRST = 2;

export class Overview {
  #user;
  #afterwards;
  #give;
  #now;
  #onLanguages;
  #overview = null;
  /** @type {Set<string> | null} */
  #chosen = readChoice();

  /**
   * @param {{user: number, afterwards: {name: string, path: string}[]}} data whose page this is; pages of a session that is over
   * @param {(type: string, fields?: object) => Promise<unknown>} give
   * @param {() => number} now
   * @param {() => void} onLanguages other languages are to be shown
   */
  constructor({ user, afterwards }, give, now, onLanguages) {
    this.#user = user;
    this.#afterwards = afterwards;
    this.#give = give;
    this.#now = now;
    this.#onLanguages = onLanguages;
    const session = () => ({ session: this.#overview.session.id });
    byId("pause").addEventListener("click", () => give("pause", session()));
    const dialog = byId("end-dialog");
    byId("end").addEventListener("click", () => {
      dialog.returnValue = "";
      dialog.showModal();
    });
    dialog.addEventListener("close", () => dialog.returnValue === "end" && give("end", session()));
    const hold = byId("hold");
    hold.addEventListener("change", async () => {
      const answer = await give("hold", { ...session(), seconds: Number(hold.value) });
      if (!answer.ok) this.#drawHold();
    });
    byId("notice-form").addEventListener("submit", async (event) => {
      event.preventDefault();
      const field = byId("notice");
      if (!field.value.trim()) return field.focus();
      const answer = await give("notice", { text: field.value });
      if (answer.ok) field.value = "";
    });
    byId("notice-end").addEventListener("click", () => give("notice", { text: "" }));
    setInterval(() => this.#tick(), 500);
  }

  get session() {
    return this.#overview?.session?.id ?? null;
  }

  get languages() {
    return this.#overview?.languages ?? [];
  }

  /** @param {string} code */
  language(code) {
    return this.languages.find((one) => one.code === code) ?? { name: code, direction: "auto" };
  }

  /** Codes of the languages whose captions are shown here. */
  shown() {
    const targets = this.languages.filter(({ target }) => target).map(({ code }) => code);
    const first = targets.slice(0, SHOWN_AT_FIRST);
    return this.#chosen ? targets.filter((code) => this.#chosen.has(code)) : first;
  }

  update(overview) {
    const before = JSON.stringify(this.shown());
    this.#overview = overview;
    this.#drawState();
    this.#drawHold();
    this.#drawLanguages();
    this.#drawDelays();
    this.#drawOthers();
    byId("cost").textContent = overview.cost || "Nothing yet.";
    byId("notice-now").hidden = !overview.notice;
    byId("notice-text").textContent = overview.notice;
    if (JSON.stringify(this.shown()) !== before) this.#onLanguages();
  }

  #drawState() {
    const { session } = this.#overview;
    const state = session?.state ?? "waiting";
    const running = state === "live" || state === "paused";
    byId("state").dataset.state = state;
    byId("state").textContent = STATES[state];
    const words = [];
    if (session?.rehearsal && running) words.push("Rehearsal.");
    if (session?.speaker) words.push(running ? `${session.speaker} speaks.` : `${session.speaker} spoke.`);
    if (session?.wanted) words.push(ORDERED[session.wanted]);
    if (state === "paused") words.push("The speaker goes on with Resume on their page.");
    byId("state-words").textContent = words.join(" ");
    byId("pause").disabled = state !== "live" || Boolean(session.wanted);
    byId("end").disabled = !running || session.wanted === "ended";
    byId("hold").disabled = !running;
    byId("hold-later").hidden = running;
    this.#drawAfterwards(state === "ended" ? session.id : null);
    this.#tick();
  }

  /** @param {number | null} session whose pages are of use now */
  #drawAfterwards(session) {
    byId("afterwards").hidden = session === null;
    if (session === null) return;
    const links = this.#afterwards.map(({ name, path }) => {
      const link = document.createElement("a");
      link.href = path.replace("/0/", `/${session}/`);
      link.textContent = name;
      return link;
    });
    byId("afterwards-links").replaceChildren(...links.flatMap((link, at) => at ? [" · ", link] : [link]));
  }

  #drawHold() {
    const hold = byId("hold");
    const seconds = this.#overview.session?.hold_s ?? 0;
    byId("hold-help").hidden = seconds === 0 || hold.disabled;
    if (document.activeElement === hold && hold.matches(":open")) return;
    if (![...hold.options].some(({ value }) => Number(value) === seconds)) {
      hold.append(new Option(`for ${seconds} s`, String(seconds)));
    }
    hold.value = String(seconds);
  }

  #drawLanguages() {
    const { languages } = this.#overview;
    byId("listeners").textContent = String(languages.reduce((sum, { listeners }) => sum + listeners, 0));
    const focused = document.activeElement?.id;
    byId("languages").replaceChildren(...languages.map((one) => this.#languageRow(one)));
    if (focused) byId(focused)?.focus();
  }

  #languageRow({ code, name, target, muted, listeners, with_sound }) {
    const row = document.createElement("tr");
    row.classList.toggle("muted", muted);
    const heading = document.createElement("th");
    heading.scope = "row";
    heading.textContent = name;
    row.append(heading, cell(listeners), cell(with_sound));
    const choice = cell("");
    const action = cell("");
    row.append(choice, action);
    if (!target) return row;
    const box = document.createElement("input");
    box.type = "checkbox";
    box.id = `shown-${code}`;
    box.checked = this.shown().includes(code);
    box.setAttribute("aria-label", `Show the ${name} captions here`);
    box.addEventListener("change", () => this.#choose(code, box.checked));
    choice.append(box);
    const mute = document.createElement("button");
    mute.type = "button";
    mute.id = `mute-${code}`;
    mute.textContent = muted ? "Unmute" : "Mute";
    mute.setAttribute("aria-pressed", String(muted));
    mute.setAttribute("aria-label", `${muted ? "Unmute" : "Mute"} ${name}`);
    mute.addEventListener("click", () => this.#give("mute", { language: code, on: !muted }));
    action.append(mute);
    return row;
  }

  #choose(code, on) {
    this.#chosen ??= new Set(this.shown());
    if (on) this.#chosen.add(code);
    else this.#chosen.delete(code);
    try {
      localStorage.setItem(CHOICE_KEY, JSON.stringify([...this.#chosen]));
    } catch {
      // A browser that stores nothing asks again the next time.
    }
    this.#onLanguages();
  }

  #drawOthers() {
    const others = this.#overview.operators.filter(({ id }) => id !== this.#user);
    byId("others").hidden = !others.length;
    byId("others-names").replaceChildren(...others.flatMap(({ name }, index) => {
      const one = document.createElement("bdi");
      one.textContent = name;
      return index ? [", ", one] : [one];
    }));
  }

  #drawDelays() {
    byId("delays").replaceChildren(...this.#overview.delays.map(({ stage, median_ms, worst_ms, count }) => {
      const row = document.createElement("tr");
      const heading = document.createElement("th");
      heading.scope = "row";
      heading.textContent = STAGES[stage];
      row.append(heading, cell(count ? seconds(median_ms) : "–"), cell(count ? seconds(worst_ms) : "–"));
      return row;
    }));
  }

  #tick() {
    const session = this.#overview?.session;
    if (!session) {
      byId("clock").textContent = "";
      return;
    }
    const until = session.ended_at ? Date.parse(session.ended_at) : this.#now();
    byId("clock").textContent = clock(until - Date.parse(session.started_at));
  }
}

function cell(text) {
  const made = document.createElement("td");
  made.textContent = String(text);
  return made;
}

/** @param {number} ms */
function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** @returns {Set<string> | null} null: never chosen */
function readChoice() {
  try {
    const stored = JSON.parse(localStorage.getItem(CHOICE_KEY) ?? "null");
    return Array.isArray(stored) ? new Set(stored) : null;
  } catch {
    return null;
  }
}
