// Who looks where, kept in the address: #/ana/ops, #/ben/twokey, #/carla/home, #/ana/ops/1714.000100.
// So a reload keeps the place, the back button works, and two windows can be two people.

import { changed, channelsOf, people, placeName, state, viewer } from "./store.js";

/** The address of a place; what is not given stays as it is. */
export function addressOf({ user = viewer.user, place = viewer.place, thread = "" }) {
  const person = state.users.find((one) => one.id === user);
  const channel = channelsOf(user).find((one) => one.id === place);
  const parts = [person?.name ?? user, channel ? placeName(channel) : place];
  if (thread) parts.push(thread);
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** Goes there, and lets the back button come back. */
export function go(target) {
  const address = addressOf(target);
  if (location.hash === address) return;
  location.hash = address;
}

/** Becomes another person in the same place: their own direct message where the old one was open. */
export function become(user) {
  const wasDirect = state.channels.find((one) => one.id === viewer.place)?.is_im;
  const own = state.channels.find((one) => one.is_im && one.user === user);
  go({ user, place: wasDirect ? (own?.id ?? firstChannel()) : viewer.place, thread: wasDirect ? "" : viewer.thread });
}

const firstChannel = () => state.channels.find((channel) => !channel.is_im)?.id ?? "";

/** Takes the viewer from the address; what it does not say, or what does not exist, becomes the first person or channel. */
export function readAddress() {
  const [name, where, thread] = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
  const user = people().find((one) => one.name === name) ?? people()[0];
  if (!user) return;
  const channel = channelsOf(user.id).find((one) => placeName(one) === where || one.id === where);
  const place = where === "home" ? "home" : (channel?.id ?? firstChannel());
  Object.assign(viewer, { user: user.id, place, thread: place === "home" ? "" : (thread ?? "") });
  changed();
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}
