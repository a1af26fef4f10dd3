// The largest logits of rows `[T, width]`, so that choosing a token reads back some hundred bytes of a
// row: one workgroup a row. Four steps over the bits of the numbers, from the highest down, find the
// value that exactly TOP logits reach; those go to `outputs`. Where
// several equal ones would share the last places, none of them goes there.
//
// A row of `outputs` has TOP entries and logits, the largest first and equal ones by their number, and
// behind them LANES sums of `exp((logit - largest) * inverse)`, which the caller adds up in order.
// Where there is no entry stands NONE.
struct Shape {
    width: u32,
}

var<immediate> shape: Shape;

const NONE: u32 = 0xffffffffu;

struct Found {
    entry: u32,
    value: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> inverses: array<f32>; // [T], one over the temperature
@group(0) @binding(2) var<storage, read_write> outputs: array<Found>;

var<workgroup> counts: array<atomic<u32>, 256>;
var<workgroup> tops: array<f32, LANES>;
var<workgroup> kept: array<Found, TOP>;
var<workgroup> n_kept: atomic<u32>;
// The upper bits of the value that is looked for, how many of those that have them are wanted, and how
// many there are.
var<workgroup> wanted: vec3u;

// Numbers as bits that have the order of the numbers.
fn ordered(x: f32) -> u32 {
    let bits = bitcast<u32>(x);
    return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let start = group.x * shape.width;
    let out = group.x * (TOP + LANES);
    var top = -3.4e38;
    for (var ix = lane; ix < shape.width; ix += LANES) {
        top = max(top, logits[start + ix]);
    }
    tops[lane] = top;
    if lane == 0u {
        wanted = vec3u(0u, min(TOP, shape.width), 0u);
        atomicStore(&n_kept, 0u);
    }
    workgroupBarrier();
    for (var ix = 0u; ix < LANES; ix++) {
        top = max(top, tops[ix]);
    }
    var sum = 0.0;
    for (var ix = lane; ix < shape.width; ix += LANES) {
        sum += exp((logits[start + ix] - top) * inverses[group.x]);
    }
    outputs[out + TOP + lane] = Found(NONE, sum);

    for (var step = 0u; step < 4u; step++) {
        let shift = 24u - 8u * step;
        for (var ix = lane; ix < 256u; ix += LANES) {
            atomicStore(&counts[ix], 0u);
        }
        workgroupBarrier();
        // Bits above those of this step; there are none in the first.
        let mask = select(0xffffffffu << (32u - 8u * step), 0u, step == 0u);
        let upper = wanted.x;
        for (var ix = lane; ix < shape.width; ix += LANES) {
            let bits = ordered(logits[start + ix]);
            if (bits & mask) == upper {
                atomicAdd(&counts[(bits >> shift) & 255u], 1u);
            }
        }
        workgroupBarrier();
        if lane == 0u {
            var left = wanted.y;
            var bin = 255u;
            var n = atomicLoad(&counts[bin]);
            while n < left && bin > 0u {
                left -= n;
                bin -= 1u;
                n = atomicLoad(&counts[bin]);
            }
            wanted = vec3u(upper | (bin << shift), left, n);
        }
        workgroupBarrier();
    }

    // The last bin's numbers are all the same.
    let least = wanted.x;
    let all_fit = wanted.z == wanted.y;
    for (var ix = lane; ix < shape.width; ix += LANES) {
        let logit = logits[start + ix];
        let bits = ordered(logit);
        if bits > least || (bits == least && all_fit) {
            let place = atomicAdd(&n_kept, 1u);
            kept[place] = Found(ix, logit);
        }
    }
    workgroupBarrier();
    let n = atomicLoad(&n_kept);
    for (var ix = lane; ix < TOP; ix += LANES) {
        if ix >= n {
            outputs[out + ix] = Found(NONE, 0.0);
            continue;
        }
        let own = kept[ix];
        let bits = ordered(own.value);
        var place = 0u;
        for (var other = 0u; other < n; other++) {
            let theirs = kept[other];
            let others = ordered(theirs.value);
            place += u32(others > bits || (others == bits && theirs.entry < own.entry));
        }
        outputs[out + place] = own;
    }
}
