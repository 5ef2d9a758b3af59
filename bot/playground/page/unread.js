// What each person has seen of each channel, since this page was opened.

import { channelsOf, flowOf, state, viewer } from "./store.js";

const seen = new Map(); // "user/channel" -> ts of the last message seen
const marks = new Map(); // the same -> up to where it was read when the person came to the channel
let startedAt = "";

const keyOf = (user, channel) => `${user}/${channel}`;

/** Everything that is there when the page opens counts as read. */
export function startUnread() {
  startedAt = [...state.messages.values()].reduce((latest, message) => (Number(message.ts) > Number(latest) ? message.ts : latest), "0");
}

const seenBy = (user, channel) => seen.get(keyOf(user, channel)) ?? startedAt;

/** {count, mentions}: what this person has not seen in this channel, and how much of it is meant for them. */
export function unreadOf(user, channel) {
  const limit = Number(seenBy(user, channel.id));
  const fresh = flowOf(channel.id, user).filter((message) => Number(message.ts) > limit && message.user !== user);
  const mentions = channel.is_im ? fresh : fresh.filter((message) => isFor(user, message));
  return { count: fresh.length, mentions: mentions.length };
}

const isFor = (user, message) => message.ephemeral_to === user || Boolean(message.text?.includes(`<@${user}`));

/** How many messages wait for this person in particular, everywhere. */
export const waitingFor = (user) => channelsOf(user).reduce((sum, channel) => sum + unreadOf(user, channel).mentions, 0);

/** The viewer looks at the channel now: all of it is seen; where they left off stays marked while they are there. */
export function see(channel) {
  const key = keyOf(viewer.user, channel.id);
  const latest = flowOf(channel.id, viewer.user).at(-1)?.ts;
  if (!marks.has(key)) marks.set(key, unreadOf(viewer.user, channel).count ? seenBy(viewer.user, channel.id) : "");
  if (latest) seen.set(key, latest);
}

/** Up to where the viewer had read the channel when they came; empty where nothing new awaited them. */
export const markOf = (channel) => marks.get(keyOf(viewer.user, channel.id)) ?? "";

/** The viewer left: the next visit begins with a new mark. */
export function leave(user, channel) {
  marks.delete(keyOf(user, channel));
}
