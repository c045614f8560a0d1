// Finds what is at the end of a path of descriptions (see by.rs), each within the one before.
// The same role and name as assistive technology gets come from the browser itself.
const [path] = arguments;

if (!('computedName' in Element.prototype)) {
  throw new Error('this Chromium does not tell computed names (--enable-blink-features=ComputedAccessibilityInfo)');
}

const tidy = (text) => text.replace(/\s+/g, ' ').trim();
const bare = (text) => text.replace(/\s+/g, '').toLowerCase();

const isSeen = (element) => {
  // The options of a closed list have no boxes, and yet can be chosen.
  let boxed = element.matches('select option, select optgroup') ? element.closest('select') : element;
  // Nor has a row of a grid that lets its cells be placed.
  while (boxed.parentElement && getComputedStyle(boxed).display === 'contents') boxed = boxed.parentElement;
  return boxed.checkVisibility({ visibilityProperty: true }) && !element.closest('[aria-hidden="true"], [inert]');
};

const fits = (element, by) =>
  (by.roles.length === 0 || by.roles.includes(element.computedRole)) &&
  (by.name === null || tidy(element.computedName) === by.name) &&
  // The first is quick, but knows nothing of boxes and of upper case by style.
  (by.text === null || (bare(element.textContent).includes(bare(by.text)) && tidy(element.innerText ?? '').includes(by.text)));

const within = (scope, by) => {
  const fitting = [...scope.querySelectorAll(by.css ?? '*')].filter((element) => isSeen(element) && fits(element, by));
  const onlyText = by.roles.length === 0 && by.name === null && by.css === null;
  return onlyText ? fitting.filter((outer) => !fitting.some((inner) => inner !== outer && outer.contains(inner))) : fitting;
};

let found = [document];
for (const by of path) {
  const all = new Set(found.flatMap((scope) => within(scope, by)));
  found = by.index === null ? [...all] : [...all].slice(by.index, by.index + 1);
}
return found;
