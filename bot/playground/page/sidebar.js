// The left side: the workspace, its channels, the app, its people.

import { h, icon, reconcile } from "./dom.js";
import { avatar } from "./people.js";
import { addressOf, become } from "./route.js";
import { botName, channelsOf, people, state, viewer } from "./store.js";
import { unreadOf, waitingFor } from "./unread.js";

/** Draws the sidebar into `nav`. */
export function drawSidebar(nav) {
  const channels = channelsOf(viewer.user);
  reconcile(nav, [
    item("workspace", [state.team.name], workspace),
    heading("Channels"),
    ...channels.filter((channel) => !channel.is_im).map(channelItem),
    heading("App"),
    ...channels.filter((channel) => channel.is_im).map(channelItem),
    placeItem("home", icon("home"), "Home", { count: 0, mentions: 0 }, `Home of ${botName()}`),
    heading("People"),
    ...people().map(personItem),
    item("foot", [], () => h("p", { class: "side-foot" }, "Choose a person to take their seat. Two windows can be two people.")),
  ]);
}

const item = (key, print, make) => ({ key, print: JSON.stringify(print), make });

const heading = (text) => item(`heading-${text}`, [], () => h("h2", { class: "side-heading" }, text));

function workspace() {
  return h(
    "div",
    { class: "workspace" },
    h("img", { src: "icon.svg", alt: "", class: "workspace-mark" }),
    h("div", null, h("strong", null, state.team.name || "Twokey"), h("small", null, "a simulated workspace")),
    h("button", { type: "button", class: "icon-button side-close", "aria-label": "Close the list", "data-close": "sidebar" }, icon("close")),
  );
}

function channelItem(channel) {
  const lead = channel.is_im ? avatar(state.bot_user_id, "small") : icon("hash");
  return placeItem(channel.id, lead, channel.is_im ? botName() : channel.name, unreadOf(viewer.user, channel), channel.purpose);
}

function placeItem(place, lead, name, unread, title) {
  const isHere = viewer.place === place;
  const said = unread.count && !isHere ? `, ${unread.count} unread` : "";
  return item(`place-${place}`, [name, isHere, unread, viewer.user], () =>
    h(
      "a",
      {
        href: addressOf({ place }),
        class: `side-item${unread.count && !isHere ? " is-unread" : ""}`,
        "aria-current": isHere ? "page" : null,
        "aria-label": `${name}${said}`,
        title,
        "data-focus": `place-${place}`,
      },
      h("span", { class: "side-lead" }, lead),
      h("span", { class: "side-name" }, name),
      !isHere && unread.mentions > 0 && h("span", { class: "badge" }, unread.mentions),
    ),
  );
}

function personItem(person) {
  const isViewer = person.id === viewer.user;
  const waiting = isViewer ? 0 : waitingFor(person.id);
  const sizeOf = (group) => people().filter((one) => one.groups?.includes(group)).length;
  const groups = [...(person.groups ?? [])].sort((one, other) => sizeOf(one) - sizeOf(other)).join(", "); // the telling ones first
  return item(`person-${person.id}`, [person, isViewer, waiting], () =>
    h(
      "button",
      {
        type: "button",
        class: "side-item side-person",
        "aria-pressed": String(isViewer),
        "aria-label": `${isViewer ? "You are" : "Become"} ${person.name}${waiting ? `, ${waiting} waiting` : ""}`,
        title: [person.real_name, person.title, groups && `in ${groups}`].filter(Boolean).join(" · "),
        "data-focus": `person-${person.id}`,
        onclick: () => become(person.id),
      },
      h("span", { class: "side-lead" }, avatar(person.id, "small")),
      h("span", { class: "side-name" }, person.name, isViewer ? h("small", null, "you") : h("small", null, groups)),
      waiting > 0 && h("span", { class: "badge" }, waiting),
    ),
  );
}
