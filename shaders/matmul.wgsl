// Inputs `[T, n_in]` times weights `[n_out, n_in]` into columns of `[T, stride]`, with an optional
// bias, optionally added to what is there.
//
// A thread holds four outputs of TOKENS rows in registers, written out (`//% repeat`), as some
// compilers keep arrays in memory. The weights lie so that neighbouring
// threads read neighbouring words, and all threads of a workgroup read the same inputs, which a
// software adapter loads once. SLICES threads share an output's sum; each sum runs over its blocks in
// order and the slices are added in order, so that a row's bits do not depend on the rows beside it.
struct Shape {
    n_rows: u32,
    n_in: u32,
    n_out: u32,
    stride: u32,
    first: u32,
    has_bias: u32,
    adds: u32,
    // Words of a row of the weights.
    words: u32,
    // The first workgroup in y.
    first_group: u32,
}

var<immediate> shape: Shape;

@group(0) @binding(0) var<storage, read> weights: array<u32>;
@group(0) @binding(1) var<storage, read> bias: array<f32>;
@group(0) @binding(2) var<storage, read> inputs: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> outputs: array<f32>;

var<workgroup> partial: array<vec4f, SHARED>;

@compute @workgroup_size(LANES, SLICES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
    let n = shape.n_out;
    let column = group.x * (LANES * 4u) + local.x;
    // A column past the end repeats the last one and is not written: no thread leaves early.
    let columns = min(vec4u(column, column + LANES, column + 2u * LANES, column + 3u * LANES), vec4u(n - 1u));
    let base0 = base_of(columns.x);
    let base1 = base_of(columns.y);
    let base2 = base_of(columns.z);
    let base3 = base_of(columns.w);
    let row = (shape.first_group + group.y) * TOKENS;
    let width = shape.n_in / 4u;
//% repeat t TOKENS
    let start$t = min(row + $tu, shape.n_rows - 1u) * width;
    var sum$t = vec4f();
//% end
    for (var block = local.y; block < shape.n_in / 32u; block += SLICES) {
        let s0 = scales(base0, block);
        let s1 = scales(base1, block);
        let s2 = scales(base2, block);
        let s3 = scales(base3, block);
        for (var first = 0u; first < 8u; first += QUADS) {
//% repeat q QUADS
            {
                let quad = first + $qu;
                let w0 = weights4(base0, block, quad, s0);
                let w1 = weights4(base1, block, quad, s1);
                let w2 = weights4(base2, block, quad, s2);
                let w3 = weights4(base3, block, quad, s3);
                let at = block * 8u + quad;
//% repeat t TOKENS
                let x$t = inputs[start$t + at];
                sum$t = fma(vec4f(w0.x, w1.x, w2.x, w3.x), vec4f(x$t.x), sum$t);
                sum$t = fma(vec4f(w0.y, w1.y, w2.y, w3.y), vec4f(x$t.y), sum$t);
                sum$t = fma(vec4f(w0.z, w1.z, w2.z, w3.z), vec4f(x$t.z), sum$t);
                sum$t = fma(vec4f(w0.w, w1.w, w2.w, w3.w), vec4f(x$t.w), sum$t);
//% end
            }
//% end
        }
    }
    if SLICES > 1u {
//% repeat t TOKENS
        partial[(local.y * TOKENS + $tu) * LANES + local.x] = sum$t;
//% end
        workgroupBarrier();
        if local.y > 0u {
            return;
        }
        for (var slice = 1u; slice < SLICES; slice++) {
//% repeat t TOKENS
            sum$t += partial[(slice * TOKENS + $tu) * LANES + local.x];
//% end
        }
    }
//% repeat t TOKENS
    if row + $tu < shape.n_rows {
        write(row + $tu, column, sum$t);
    }
//% end
}

fn write(row: u32, column: u32, sums: vec4f) {
    for (var ix = 0u; ix < 4u; ix++) {
        let out = column + ix * LANES;
        if out < shape.n_out {
            let at = row * shape.stride + shape.first + out;
            var sum = sums[ix];
            if shape.has_bias != 0u {
                sum += bias[shape.first + out];
            }
            if shape.adds != 0u {
                sum += outputs[at];
            }
            outputs[at] = sum;
        }
    }
}
