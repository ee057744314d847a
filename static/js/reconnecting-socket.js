/**
 * A WebSocket that comes back by itself when the connection is lost, and stays away when the server
 * said no. Which is which stands in the protocol's close codes.
 */

const FIRST_DELAY_MS = 300;
const LONGEST_DELAY_MS = 15_000;
/** A server that ends tells its whole hall within seconds; the others take it in over these, too. */
const SERVICE_RESTART = 1012;
const SPREAD_AFTER_RESTART_MS = 3_000;
const CONNECT_TIMEOUT_MS = 10_000;
const STABLE_AFTER_MS = 5_000;
const RETRIED = new Set([1001, 1005, 1006, 1011, SERVICE_RESTART, 1013, 1014, 4408]);
const TOO_MANY = 4429;
const DEFAULT_RETRY_AFTER_S = 30;

/**
 * How long to wait before the next attempt.
 * The spread grows with the attempts so that a hall full of phones does not come back at once.
 *
 * @param {number} code close code of the lost connection
 * @param {number} attempt 0 for the first attempt after a stable connection
 * @param {number|null} retryAfterS what the server's last problem asked for, in seconds
 * @param {number} [random] 0 ≤ random < 1
 * @returns {number|null} milliseconds, or null where the client must not come back
 */
export function reconnectDelay(code, attempt, retryAfterS, random = Math.random()) {
  if (code === TOO_MANY) return (retryAfterS ?? DEFAULT_RETRY_AFTER_S) * 1000;
  if (!RETRIED.has(code)) return null;
  const spread = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt + 1));
  const longest = code === SERVICE_RESTART ? Math.max(spread, SPREAD_AFTER_RESTART_MS) : spread;
  return Math.round(FIRST_DELAY_MS + random * (longest - FIRST_DELAY_MS));
}

/**
 * @typedef {"connecting"|"open"|"waiting"|"closed"} SocketState
 * @typedef {{attempt: number, retryInMs: number|null, code: number|null}} SocketStateDetail
 * @typedef {object} SocketHandlers
 * @property {(socket: ReconnectingSocket) => void} [onOpen] each time a connection opens
 * @property {(message: object) => void} [onMessage] a JSON message
 * @property {(buffer: ArrayBuffer) => void} [onBinary] a binary frame
 * @property {(state: SocketState, detail: SocketStateDetail) => void} [onState]
 * @property {number} [beatTimeoutMs] silence after which the connection counts as lost; 0: never
 */

export class ReconnectingSocket {
  /** @type {WebSocket|null} */
  #socket = null;
  /** @type {SocketHandlers} */
  #handlers;
  #url;
  #attempt = 0;
  #retryAfterS = null;
  #waiting = false;
  #heldBack = false;
  #timers = { retry: 0, connect: 0, stable: 0, beat: 0 };
  #watched = new AbortController();

  /**
   * Connects at once.
   * @param {string} path for example "/ws/listen/ABCD2345/"
   * @param {SocketHandlers} handlers
   */
  constructor(path, handlers) {
    this.#handlers = handlers;
    this.#url = new URL(path, location.href);
    this.#url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.#watchPage();
    // Handlers may name the variable that this constructor is about to fill.
    queueMicrotask(() => this.#connect());
  }

  /** Bytes handed over and not yet sent. */
  get bufferedAmount() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /**
   * @param {object} message
   * @returns {boolean} false where there is no connection now; nothing is kept for later
   */
  send(message) {
    return this.sendBinary(JSON.stringify(message));
  }

  /**
   * @param {ArrayBuffer|Uint8Array|string} data
   * @returns {boolean}
   */
  sendBinary(data) {
    if (!this.isOpen) return false;
    this.#socket.send(data);
    return true;
  }

  /** Ends the connection for good; `reconnectNow` opens it again. */
  close() {
    this.#watched.abort();
    this.#drop(1000);
    this.#tell("closed", { code: 1000 });
  }

  /** Drops what there is and connects at once, whatever the server said before. */
  reconnectNow() {
    this.#watchPage();
    this.#drop(1000);
    this.#connect();
  }

  #connect() {
    if (this.#socket) return;
    this.#clearTimers();
    this.#waiting = false;
    this.#heldBack = false;
    this.#tell("connecting", {});
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    const current = (handle) => (event) => {
      if (this.#socket === socket) handle(event);
    };
    socket.onopen = current(() => this.#opened());
    socket.onmessage = current((event) => this.#received(event.data));
    socket.onclose = current((event) => this.#lost(event.code));
    this.#timers.connect = setTimeout(() => this.#lost(1006), CONNECT_TIMEOUT_MS);
  }

  #opened() {
    clearTimeout(this.#timers.connect);
    this.#timers.stable = setTimeout(() => { this.#attempt = 0; }, STABLE_AFTER_MS);
    this.#expectBeat();
    this.#tell("open", {});
    this.#handlers.onOpen?.(this);
  }

  #received(data) {
    this.#expectBeat();
    if (typeof data !== "string") {
      this.#handlers.onBinary?.(data);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "problem") this.#retryAfterS = message.retry_after_s ?? null;
    this.#handlers.onMessage?.(message);
  }

  #expectBeat() {
    const silence = this.#handlers.beatTimeoutMs ?? 0;
    if (!silence) return;
    clearTimeout(this.#timers.beat);
    this.#timers.beat = setTimeout(() => this.#lost(1006), silence);
  }

  /** A dead network tells a socket nothing for minutes, so the old socket is left to die alone. */
  #drop(code) {
    this.#clearTimers();
    this.#waiting = false;
    const socket = this.#socket;
    this.#socket = null;
    if (socket && socket.readyState <= WebSocket.OPEN) socket.close(code);
  }

  #lost(code) {
    this.#drop(1000);
    const retryInMs = reconnectDelay(code, this.#attempt, this.#retryAfterS);
    this.#retryAfterS = null;
    if (retryInMs === null) {
      this.#tell("closed", { code });
      return;
    }
    this.#attempt += 1;
    this.#waiting = true;
    this.#heldBack = code === TOO_MANY;
    this.#timers.retry = setTimeout(() => this.#connect(), retryInMs);
    this.#tell("waiting", { retryInMs, code });
  }

  #watchPage() {
    this.#watched.abort();
    this.#watched = new AbortController();
    const retry = () => {
      if (this.#waiting && !this.#heldBack && document.visibilityState === "visible") this.#connect();
    };
    const options = { signal: this.#watched.signal };
    addEventListener("online", retry, options);
    document.addEventListener("visibilitychange", retry, options);
  }

  #clearTimers() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
  }

  #tell(state, { retryInMs = null, code = null }) {
    this.#handlers.onState?.(state, { attempt: this.#attempt, retryInMs, code });
  }
}
