// The line above the conversation: where one is, who one is, light or dark.

import { h, icon, reconcile } from "./dom.js";
import { openMenu } from "./menu.js";
import { avatar } from "./people.js";
import { become } from "./route.js";
import { botName, channelById, nameOf, people, viewer } from "./store.js";
import { currentTheme, nextTheme } from "./theme.js";
import { waitingFor } from "./unread.js";

/** Draws the bar; `openSidebar` is for small screens. */
export function drawTopbar(bar, openSidebar) {
  const channel = channelById(viewer.place);
  const others = people().filter((person) => person.id !== viewer.user);
  const waiting = others.reduce((sum, person) => sum + waitingFor(person.id), 0);
  reconcile(bar, [
    item("menu", [], () => h("button", { type: "button", class: "icon-button side-open", "aria-label": "Channels and people", onclick: openSidebar }, icon("menu"))),
    item("title", [viewer.place, channel], () => title(channel)),
    item("theme", [currentTheme()], themeButton),
    item("person", [viewer.user, waiting], () => personButton(waiting)),
  ]);
}

const item = (key, print, make) => ({ key, print: JSON.stringify(print), make });

function title(channel) {
  const [name, about] = channel
    ? [channel.is_im ? botName() : channel.name, channel.is_im ? "Just you and the app" : channel.purpose]
    : ["Home", `What ${botName()} has for you`];
  const lead = !channel ? icon("home") : channel.is_im ? null : icon("hash");
  return h("div", { class: "place" }, h("h1", null, lead, name), h("p", null, about));
}

const THEMES = {
  auto: { icon: "half", say: "Colours: as the system" },
  light: { icon: "sun", say: "Colours: light" },
  dark: { icon: "moon", say: "Colours: dark" },
};

function themeButton() {
  const theme = THEMES[currentTheme()];
  return h("button", { type: "button", class: "icon-button", title: theme.say, "aria-label": theme.say, "data-focus": "theme", onclick: nextTheme }, icon(theme.icon));
}

function personButton(waiting) {
  const node = h(
    "button",
    {
      type: "button",
      class: "person-button",
      "aria-label": `You are ${nameOf(viewer.user)}`,
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "data-focus": "person-menu",
      onclick: () => openMenu({ anchor: node, label: "Become another person", kind: "menu", options: peopleOptions(), choose: become }),
      onkeydown: (event) => {
        if (event.key !== "ArrowDown") return;
        event.preventDefault();
        node.click();
      },
    },
    avatar(viewer.user, "small"),
    h("span", { class: "person-text" }, h("span", { class: "person-are" }, "You are "), h("strong", null, nameOf(viewer.user))),
    waiting > 0 && h("span", { class: "badge", title: "Something waits for another person" }, waiting),
    icon("down"),
  );
  return node;
}

const peopleOptions = () =>
  people().map((person) => {
    const waiting = person.id === viewer.user ? 0 : waitingFor(person.id);
    return {
      value: person.id,
      text: person.name,
      description: person.id === viewer.user ? `${person.title} · you` : person.title,
      lead: avatar(person.id, "small"),
      note: waiting ? `${waiting} waiting` : "",
    };
  });
