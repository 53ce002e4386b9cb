/** Loads jose, which takes a while, when it is first needed: most webhooks have no OAuth. */

/** By `require`, as under Jest a dynamic `import` needs a flag. */
export function loadJose(): typeof import('jose') {
  return require('jose') as typeof import('jose')
}
