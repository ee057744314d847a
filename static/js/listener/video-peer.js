/**
 * The page's end of a video avatar: one WebRTC connection, from the offer to the first picture to
 * its loss. Shows nothing itself and knows no queue.
 */

const GATHERED_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 500;
/** A connection that brings nothing for so long is given up; a picture that stands still is not. */
const STALLED_AFTER_MS = 4_000;
const EVENT_CHANNEL = "eventChannel";

/** Whether this browser can show a video avatar at all. */
export const canShowVideo = typeof globalThis.RTCPeerConnection === "function";

/** What the service writes and reads: base64 of {"type", "sdp"}. */
const encode = ({ type, sdp }) => btoa(JSON.stringify({ type, sdp }));
const decode = (text) => JSON.parse(atob(text));

/**
 * @typedef {object} PeerHandlers
 * @property {() => void} onMedia picture and sound have begun to come
 * @property {() => void} onLost nothing comes any more; called once
 * @property {(speaking: boolean) => void} onSpeaking
 */

export class VideoPeer {
  #connection;
  #handlers;
  #watching = 0;
  #closed = false;
  #bytes = 0;
  #grewAt = performance.now();
  #flows = false;
  /** The avatar's picture and voice. */
  stream = new MediaStream();

  /**
   * @param {{urls: string[], username?: string, credential?: string}[]} iceServers
   * @param {PeerHandlers} handlers
   */
  constructor(iceServers, handlers) {
    this.#handlers = handlers;
    this.#connection = new RTCPeerConnection({ iceServers });
    this.#connection.addTransceiver("video", { direction: "recvonly" });
    this.#connection.addTransceiver("audio", { direction: "recvonly" });
    // The service speaks on the channel of this name only if the page opens it.
    const channel = this.#connection.createDataChannel(EVENT_CHANNEL);
    channel.onmessage = ({ data }) => this.#told(data);
    channel.onclose = () => this.#lose();
    this.#connection.ontrack = ({ track }) => this.stream.addTrack(track);
    this.#connection.onconnectionstatechange = () => {
      if (["failed", "closed"].includes(this.#connection.connectionState)) this.#lose();
    };
  }

  /** @returns {Promise<string>} the offer with every address found, as base64 of JSON */
  async offer() {
    await this.#connection.setLocalDescription(await this.#connection.createOffer());
    await this.#gathered();
    return encode(this.#connection.localDescription);
  }

  /** @param {string} answer base64 of JSON */
  async accept(answer) {
    await this.#connection.setRemoteDescription(decode(answer));
    this.#grewAt = performance.now();
    this.#watching = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** Ends it without a word to anyone. */
  close() {
    this.#closed = true;
    clearInterval(this.#watching);
    this.#connection.close();
    for (const track of this.stream.getTracks()) track.stop();
  }

  /** A network that answers no question must not keep the listener waiting. */
  #gathered() {
    const connection = this.#connection;
    if (connection.iceGatheringState === "complete") return Promise.resolve();
    return new Promise((resolve) => {
      setTimeout(resolve, GATHERED_WITHIN_MS);
      connection.addEventListener("icegatheringstatechange", () => {
        if (connection.iceGatheringState === "complete") resolve();
      });
    });
  }

  #told(data) {
    let type;
    try {
      type = JSON.parse(data).event.eventType;
    } catch {
      return; // a newer service may say more than this page understands
    }
    if (type === "EVENT_TYPE_SWITCH_TO_SPEAKING") this.#handlers.onSpeaking(true);
    if (type === "EVENT_TYPE_SWITCH_TO_IDLE") this.#handlers.onSpeaking(false);
  }

  async #look() {
    const stats = [...(await this.#connection.getStats()).values()];
    if (this.#closed) return;
    const received = stats.filter(({ type }) => type === "inbound-rtp");
    const bytes = received.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
    const now = performance.now();
    if (bytes > this.#bytes) this.#grewAt = now;
    else if (now - this.#grewAt > STALLED_AFTER_MS && this.#flows) this.#lose();
    this.#bytes = bytes;
    const pictures = received.some(({ kind, framesDecoded }) => kind === "video" && framesDecoded > 0);
    if (pictures && !this.#flows) {
      this.#flows = true;
      this.#handlers.onMedia();
    }
  }

  #lose() {
    if (this.#closed) return;
    this.close();
    this.#handlers.onLost();
  }
}
