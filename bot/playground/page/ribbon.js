// The simulated cluster at the bottom: a square a pod, so that cause and effect are seen.

import { h, icon, reconcile } from "./dom.js";
import { changed, state } from "./store.js";

const KEY = "twokey-ribbon";
let environment = "prod";
let isOpen = stored() !== "closed";

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a browser that keeps nothing starts with the ribbon open
  }
}

const item = (key, print, make) => ({ key, print: JSON.stringify(print), make });

/** Draws the ribbon; nothing where there is no town. */
export function drawRibbon(node) {
  const services = servicesOf(state.town);
  node.hidden = services.length === 0;
  if (!services.length) return;
  const environments = [...new Set(services.map((service) => service.environment))];
  if (!environments.includes(environment)) environment = environments[0];
  const shown = services.filter((service) => service.environment === environment);
  const troubles = Object.fromEntries(environments.map((one) => [one, services.filter((s) => s.environment === one && isTroubled(s)).length]));
  node.classList.toggle("is-open", isOpen);
  reconcile(node, [
    item("bar", [environments, environment, troubles, isOpen], () => bar(environments, troubles)),
    isOpen && {
      key: `tiles-${environment}`,
      print: JSON.stringify(shown),
      make: () => {
        const tiles = h("div", { class: "tiles", role: "list", tabindex: "0", "aria-label": `Services in ${environment}` });
        fillTiles(tiles, shown);
        return tiles;
      },
      update: (tiles) => fillTiles(tiles, shown),
    },
  ].filter(Boolean));
}

/** One entry a service and environment: {name, environment, desired, pods, error_ratio}. */
const servicesOf = (town) =>
  (town?.services ?? []).flatMap((service) =>
    service.environments.map((one) => ({ ...one, name: service.name, environment: one.name })),
  );

/** The versions that run; two while one replaces the other. */
const versionsOf = (service) => [...new Set(service.pods.map((pod) => pod.version))].join(" / ");

const fillTiles = (tiles, services) => reconcile(tiles, services.map((service) => item(service.name, service, () => tile(service))));

function bar(environments, troubles) {
  return h(
    "div",
    { class: "ribbon-bar" },
    h("button", { type: "button", class: "ribbon-toggle", "aria-expanded": String(isOpen), "data-focus": "ribbon-toggle", onclick: toggle }, icon("down"), "Cluster"),
    h("div", { class: "segments", role: "group", "aria-label": "Environment" }, environments.map((name) => segment(name, troubles[name]))),
    h("ul", { class: "legend", "aria-label": "Legend" }, LEGEND.map(([kind, text]) => h("li", null, h("span", { class: `pod pod-${kind}` }), text))),
  );
}

function segment(name, troubles) {
  const choose = () => {
    environment = name;
    isOpen = true;
    changed();
  };
  return h(
    "button",
    { type: "button", class: `segment is-${name}`, "aria-pressed": String(name === environment), "data-focus": `environment-${name}`, onclick: choose },
    name,
    troubles > 0 && h("span", { class: "badge", title: `${troubles} in trouble` }, troubles),
  );
}

function toggle() {
  isOpen = !isOpen;
  try {
    localStorage.setItem(KEY, isOpen ? "open" : "closed");
  } catch {
    // Kept for this visit only.
  }
  changed();
}

const LEGEND = [["ready", "ready"], ["starting", "starting"], ["failing", "failing"], ["leaving", "leaving"]];

const KINDS = { ready: "ready", starting: "starting", crashing: "failing", pulling: "failing", terminating: "leaving" };
const WORDS = { crashing: "crashes", pulling: "its image cannot be pulled", terminating: "leaving" };

/** Four ways a pod can be, each with its own shape and colour; its title says more. */
const kindOf = (pod) => KINDS[pod.state] ?? "starting";

const ERROR_RATE_TOO_HIGH = 0.05; // a share of all requests

const isTroubled = (service) => (service.error_ratio ?? 0) >= ERROR_RATE_TOO_HIGH || service.pods.some((pod) => kindOf(pod) === "failing");

const percent = (ratio) => `${(ratio * 100).toFixed(ratio >= 0.1 ? 0 : 1)} %`;

function podSquare(pod) {
  const title = [pod.name, pod.version, WORDS[pod.state] ?? pod.state].join(" · ");
  return h("span", { class: `pod pod-${kindOf(pod)}`, title });
}

function tile(service) {
  const ready = service.pods.filter((pod) => pod.state === "ready").length;
  const rate = service.error_ratio;
  const isHigh = rate >= ERROR_RATE_TOO_HIGH;
  return h(
    "div",
    { class: `tile${isTroubled(service) ? " is-troubled" : ""}`, role: "listitem", "data-service": service.name },
    h("div", { class: "tile-head" }, h("strong", null, service.name), h("span", { class: "tile-version" }, versionsOf(service))),
    h("div", { class: "pods", role: "img", "aria-label": `${ready} of ${service.desired} pods ready` }, service.pods.map(podSquare)),
    h(
      "div",
      { class: "tile-foot" },
      h("span", null, `${ready}/${service.desired} ready`),
      rate !== undefined && rate !== null && h("span", { class: isHigh ? "rate is-high" : "rate" }, isHigh && icon("warn"), `errors ${percent(rate)}`),
    ),
  );
}
