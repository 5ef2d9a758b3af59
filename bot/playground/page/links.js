// Links and images: only addresses that cannot do anything but be visited.

import { h } from "./dom.js";

/** The address if it is a whole one of http, https or mailto; undefined for anything else (javascript:, data:, …). */
export function safeAddress(address, base) {
  if (!URL.canParse(address, base)) return undefined;
  const url = new URL(address, base);
  return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : undefined;
}

/** A link that opens in a new window; plain text where the address is not a safe one. */
export function link(address, ...content) {
  const href = safeAddress(address);
  const shown = content.length ? content : [address];
  if (!href) return h("span", null, ...shown);
  return h("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, ...shown);
}

/** The path of an address on this very playground, however the page itself was reached; undefined elsewhere. */
export function ownPath(address) {
  const href = safeAddress(address, location.href);
  if (!href) return undefined;
  const url = new URL(href);
  const local = ["127.0.0.1", "localhost", "[::1]", location.hostname].includes(url.hostname);
  return local && url.port === location.port ? url.pathname + url.search : undefined;
}

/** A picture from this playground; one from elsewhere is named and linked, never loaded. */
export function picture(address, alt, title) {
  const path = ownPath(address);
  if (!path) {
    return h("p", { class: "picture-elsewhere" }, "Picture: ", address ? link(address, alt || address) : alt || "no address");
  }
  const image = h("img", { src: path, alt: alt || "", loading: "lazy", decoding: "async" });
  const open = h("a", { class: "picture", href: path, target: "_blank", rel: "noopener", title: "Open the picture" }, image);
  return h("figure", { class: "figure" }, title && h("figcaption", null, title), open);
}
