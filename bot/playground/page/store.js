// What the page knows: a copy of the emulator's state, and who is looking at which part of it.

export const state = {
  loaded: false,
  connected: false,
  team: { id: "", name: "" },
  bot_user_id: "",
  users: [],
  channels: [],
  messages: new Map(), // "channel/ts" -> message
  views: [],
  town: null,
};

/** Who looks where: `place` is a channel's id or "home", `thread` the ts of the open thread's first message. */
export const viewer = { user: "", place: "", thread: "" };

const listeners = new Set();
let due = false;

export const subscribe = (listener) => listeners.add(listener);

/** Tells every listener once, after the current work is done. */
export function changed() {
  if (due) return;
  due = true;
  setTimeout(() => {
    due = false;
    for (const listener of listeners) listener();
  }, 0);
}

const keyOf = (message) => `${message.channel}/${message.ts}`;

/** Takes over a whole state as `GET /emulator/state` answers it. */
export function replaceState(fresh) {
  Object.assign(state, {
    loaded: true,
    team: fresh.team ?? state.team,
    bot_user_id: fresh.bot_user_id ?? "",
    users: fresh.users ?? [],
    channels: fresh.channels ?? [],
    views: fresh.views ?? [],
    messages: new Map((fresh.messages ?? []).map((message) => [keyOf(message), message])),
  });
  changed();
}

/** Applies one event; false where it does not say enough and the state must be read again. */
export function applyEvent(event) {
  if (event.type === "town") {
    state.town = event.town ?? event;
    changed();
    return true;
  }
  const message = event.message ?? event;
  if (!message.channel || !message.ts) return false;
  if (event.type === "message_deleted") state.messages.delete(keyOf(message));
  else if (event.type === "message" || event.type === "message_changed") state.messages.set(keyOf(message), message);
  else return false;
  changed();
  return true;
}

export const personById = (id) => state.users.find((user) => user.id === id);
export const people = () => state.users.filter((user) => !user.is_bot);
export const channelById = (id) => state.channels.find((channel) => channel.id === id);
export const nameOf = (id) => personById(id)?.name ?? (id === state.bot_user_id ? "twokey" : id);
export const botName = () => personById(state.bot_user_id)?.name ?? "twokey";

/** The public channels, and the viewer's own direct message with the bot. */
export function channelsOf(user) {
  return state.channels.filter((channel) => !channel.is_im || channel.user === user);
}

/** Where `place` is a direct message it is called after the app. */
export const placeName = (channel) => (channel.is_im ? botName() : channel.name);

export const isVisibleTo = (message, user) => !message.ephemeral_to || message.ephemeral_to === user;

const byTs = (one, other) => Number(one.ts) - Number(other.ts);

function messagesWhere(test) {
  return [...state.messages.values()].filter(test).sort(byTs);
}

export const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;

/** The channel's own flow as `user` sees it: no thread replies, except those also sent to the channel. */
export function flowOf(channel, user) {
  return messagesWhere(
    (message) =>
      message.channel === channel && isVisibleTo(message, user) && (!isReply(message) || message.reply_broadcast),
  );
}

/** Replies by thread, as `user` sees them: "ts of the first message" -> messages, oldest first. */
export function repliesIn(channel, user) {
  const threads = new Map();
  for (const message of messagesWhere((one) => one.channel === channel && isReply(one) && isVisibleTo(one, user))) {
    if (!threads.has(message.thread_ts)) threads.set(message.thread_ts, []);
    threads.get(message.thread_ts).push(message);
  }
  return threads;
}

/** The uploaded file with this id, wherever it was shared. */
export function fileById(id) {
  for (const message of state.messages.values()) {
    const file = message.files?.find((one) => one.id === id);
    if (file) return file;
  }
  return undefined;
}

export const homeOf = (user) => state.views.findLast((view) => view.type === "home" && view.user === user);
export const modalsOf = (user) => state.views.filter((view) => view.type === "modal" && view.user === user);
