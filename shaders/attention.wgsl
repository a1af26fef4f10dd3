// Causal attention over the paged cache with an online softmax. A workgroup takes one work item (rows
// of one sequence, and a range of keys) and one key head; a thread takes one row and one of the GROUP
// query heads that share the key head. So all threads read the same keys and values.
//
// With SPLIT the sums go to `outputs` undivided, behind them their largest score and total, for
// `attention_merge`; without it the item's range holds all keys and the result is final.
struct Shape {
    n_heads: u32,
    n_kv_heads: u32,
    stride: u32,
    scale: f32,
    // The first workgroup in y.
    first_group: u32,
}

struct Item {
    first_row: u32,
    n_rows: u32,
    // Where the sequence's page numbers begin in `pages`.
    table: u32,
    // Place of the first row in its sequence.
    position: u32,
    from_key: u32,
    to_key: u32,
    // With SPLIT: which of the partial results this is.
    part: u32,
    spare: u32,
}

var<immediate> shape: Shape;

@group(0) @binding(0) var<storage, read> items: array<Item>;
@group(0) @binding(1) var<storage, read> pages: array<u32>;
@group(0) @binding(2) var<storage, read> queries: array<vec4f>;
@group(0) @binding(3) var<storage, read> cached_keys: array<Cached4>;
@group(0) @binding(4) var<storage, read> cached_values: array<Cached4>;
@group(0) @binding(5) var<storage, read_write> outputs: array<vec4f>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let item = items[shape.first_group + group.y];
    let kv_head = group.x;
    let n_threads = item.n_rows * GROUP;
    let thread = min(lane, n_threads - 1u);
    let row = thread / GROUP;
    let head = kv_head * GROUP + thread % GROUP;
    let query = (item.first_row + row) * (shape.stride / 4u) + head * QUADS;
//% repeat i QUADS
    let q$i = queries[query + $iu] * shape.scale;
    var sum$i = vec4f();
//% end
    let position = item.position + row;
    let width = shape.n_kv_heads * QUADS;
    var largest = -3.0e38;
    var total = 0.0;
    for (var key = item.from_key; key < item.to_key; key++) {
        let slot = pages[item.table + key / PAGE] * PAGE + key % PAGE;
        let at = slot * width + kv_head * QUADS;
        var products = vec4f();
//% repeat i QUADS
        products = fma(q$i, from_cache(cached_keys[at + $iu]), products);
//% end
        let score = (products.x + products.y) + (products.z + products.w);
        let seen = key <= position;
        let top = select(largest, max(largest, score), seen);
        let fade = exp(largest - top);
        let weight = select(0.0, exp(score - top), seen);
        largest = top;
        total = fma(total, fade, weight);
//% repeat i QUADS
        sum$i = fma(from_cache(cached_values[at + $iu]), vec4f(weight), sum$i * fade);
//% end
    }
    if lane >= n_threads {
        return;
    }
    if SPLIT == 1u {
        let out = (item.part * shape.n_heads + head) * (QUADS + 1u);
//% repeat i QUADS
        outputs[out + $iu] = sum$i;
//% end
        outputs[out + QUADS] = vec4f(largest, total, 0.0, 0.0);
    } else {
        let out = ((item.first_row + row) * shape.n_heads + head) * QUADS;
//% repeat i QUADS
        outputs[out + $iu] = sum$i / total;
//% end
    }
}
