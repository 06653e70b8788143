// Prefetching: pairs are fetched ahead with their images decoded, so that a swap takes one frame.

// A request goes out as soon as one is openPairIds, so about six stay ready while it is on its way.
const PAIRS_AHEAD = 8;
const POLL_MS = 1000;

function loadImage(url) {
  const image = new Image();
  // Decoded before the swap, so that the image appears in the same frame.
  image.decoding = "sync";
  image.draggable = false;
  image.alt = "";
  image.src = url;
  return image.decode().then(() => image);
}

function makePrefetcher({ fetchPairs, resolve, openPairIds, onChange }) {
  const prefetcher = { waiting: [], reason: "", readyAt: 0, reachable: true };
  let fetching = false;
  let timer = 0;
  let epoch = 0;

  const known = () => new Set([...prefetcher.waiting.map((item) => item.pair.pair_id), ...openPairIds()]);

  prefetcher.prepare = (pair) => {
    const item = { pair, images: null, broken: false };
    const urls = pair.urls || [pair.left_url, pair.right_url];
    item.loaded = Promise.all(urls.map((url) => loadImage(resolve(url))))
      .then((images) => (item.images = images))
      .catch(() => {
        item.broken = true;
        setTimeout(prefetcher.refill, POLL_MS);
      })
      .then(() => onChange());
    return item;
  };

  function accept(reply) {
    prefetcher.reachable = Boolean(reply && reply.ok);
    if (!prefetcher.reachable) {
      prefetcher.reason = (reply && reply.error) || "";
      return;
    }
    // Pairs of an older version, or given to somebody else by now, are dropped.
    const stale = new Set(reply.passed_over || []);
    prefetcher.waiting = prefetcher.waiting.filter((item) => !stale.has(item.pair.pair_id));
    const seen = known();
    for (const pair of reply.pairs) {
      if (!seen.has(pair.pair_id)) prefetcher.waiting.push(prefetcher.prepare(pair));
    }
    prefetcher.reason = reply.reason || "";
    prefetcher.readyAt = Date.now() + 1000 * (reply.wait_s || 0);
  }

  prefetcher.refill = async () => {
    prefetcher.waiting = prefetcher.waiting.filter((item) => !item.broken);
    if (fetching || prefetcher.waiting.length >= PAIRS_AHEAD) return;
    fetching = true;
    clearTimeout(timer);
    // `empty` starts a new epoch: an answer to a request of an older one is dropped.
    const epochAsked = epoch;
    const want = PAIRS_AHEAD - prefetcher.waiting.length;
    const reply = await callServer(fetchPairs, { have: [...known()], want });
    fetching = false;
    if (epochAsked === epoch) accept(reply);
    onChange();
    if (prefetcher.waiting.length < PAIRS_AHEAD) timer = setTimeout(prefetcher.refill, POLL_MS);
  };

  // The oldest pair whose images are decoded; null while there is none.
  prefetcher.take = () => {
    const index = prefetcher.waiting.findIndex((item) => item.images);
    return index < 0 ? null : prefetcher.waiting.splice(index, 1)[0];
  };

  prefetcher.putBack = (item) => prefetcher.waiting.unshift(item);

  prefetcher.empty = () => {
    epoch += 1;
    prefetcher.waiting = [];
  };

  prefetcher.ready = () => prefetcher.waiting.filter((item) => item.images).length;
  return prefetcher;
}
