/** Runs in the browser: what a test wants to know of a page and a locator cannot tell. */
globalThis.inPage = {
  /** @param {string} selector @param {string} property */
  style: (selector, property) => getComputedStyle(document.querySelector(selector))[property],

  /** Elements that reach beyond the window's right edge. */
  cutOff: () =>
    [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > innerWidth)
      .map((element) => element.outerHTML),

  /** Every visible piece of text with its colour and what is behind it. */
  coloursOfText: () =>
    [...document.querySelectorAll('body *')]
      .filter((element) => element.checkVisibility())
      .filter((element) =>
        [...element.childNodes].some((node) => node.nodeName === '#text' && node.data.trim()),
      )
      .map((element) => ({
        text: element.textContent,
        ink: getComputedStyle(element).color,
        ground: groundOf(element),
      })),
};

/** @param {Element | null} element */
function groundOf(element) {
  if (element === null) return 'rgb(255, 255, 255)';
  const { backgroundColor } = getComputedStyle(element);
  return backgroundColor === 'rgba(0, 0, 0, 0)' ? groundOf(element.parentElement) : backgroundColor;
}
