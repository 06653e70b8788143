// Pairs fetched ahead, both images of each already decoded, so that a swap costs one frame.

// One is taken before more are asked for, and six are always there.
const PAIRS_AHEAD = 8;
const POLL_MS = 1000;

function loadImage(url) {
  const image = new Image();
  image.decoding = "sync";
  image.draggable = false;
  image.alt = "";
  image.src = url;
  return image.decode().then(() => image);
}

function makeSupply({ fetchPairs, resolve, taken, onChange }) {
  const supply = { waiting: [], reason: "", readyAt: 0, reachable: true };
  let fetching = false;
  let timer = 0;
  let generation = 0;

  const known = () => new Set([...supply.waiting.map((item) => item.pair.pair_id), ...taken()]);

  supply.prepare = (pair) => {
    const item = { pair, images: null, broken: false };
    const urls = pair.urls || [pair.left_url, pair.right_url];
    item.loaded = Promise.all(urls.map((url) => loadImage(resolve(url))))
      .then((images) => (item.images = images))
      .catch(() => {
        item.broken = true;
        setTimeout(supply.refill, POLL_MS);
      })
      .then(() => onChange());
    return item;
  };

  function accept(reply) {
    supply.reachable = Boolean(reply && reply.ok);
    if (!supply.reachable) {
      supply.reason = (reply && reply.error) || "";
      return;
    }
    // Pairs of an older version, or of somebody else by now, are not worth showing.
    const stale = new Set(reply.passed_over || []);
    supply.waiting = supply.waiting.filter((item) => !stale.has(item.pair.pair_id));
    const seen = known();
    for (const pair of reply.pairs) {
      if (!seen.has(pair.pair_id)) supply.waiting.push(supply.prepare(pair));
    }
    supply.reason = reply.reason || "";
    supply.readyAt = Date.now() + 1000 * (reply.wait_s || 0);
  }

  supply.refill = async () => {
    supply.waiting = supply.waiting.filter((item) => !item.broken);
    if (fetching || supply.waiting.length >= PAIRS_AHEAD) return;
    fetching = true;
    clearTimeout(timer);
    const asked = generation;
    const want = PAIRS_AHEAD - supply.waiting.length;
    const reply = await ask(fetchPairs, { have: [...known()], want });
    fetching = false;
    if (asked === generation) accept(reply);
    onChange();
    if (supply.waiting.length < PAIRS_AHEAD) timer = setTimeout(supply.refill, POLL_MS);
  };

  // The oldest pair whose images are decoded; null while there is none.
  supply.take = () => {
    const index = supply.waiting.findIndex((item) => item.images);
    return index < 0 ? null : supply.waiting.splice(index, 1)[0];
  };

  supply.putBack = (item) => supply.waiting.unshift(item);

  supply.empty = () => {
    generation += 1;
    supply.waiting = [];
  };

  supply.ready = () => supply.waiting.filter((item) => item.images).length;
  return supply;
}
