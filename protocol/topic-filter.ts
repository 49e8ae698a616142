/**
 * Whether a topic is one of those that the filter names (MQTT 3.1.1, 4.7). Sign by sign: every
 * message is held against every subscription.
 */
export function matchesFilter(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && !filter.startsWith('$')) return false
  let at = 0
  for (let place = 0; place < filter.length; place++) {
    const sign = filter[place]
    if (sign === '#') return true
    if (sign === '+') {
      while (at < topic.length && topic[at] !== '/') at += 1
    } else if (sign === topic[at]) at += 1
    // The level above is taken too: a/# names a.
    else return at === topic.length && filter.slice(place) === '/#'
  }
  return at === topic.length
}
