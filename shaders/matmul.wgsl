// Matrix products (`shared/product.wgsl`) in registers: for decoding, and for prompts on software
// adapters.
//
// A thread holds four outputs of TOKENS rows in registers, written out (`//% repeat`), as some
// compilers keep arrays in memory. The weights lie so that neighbouring
// threads read neighbouring words, and all threads of a workgroup read the same inputs, which a
// software adapter loads once. SLICES threads share an output's sum; each sum runs over its blocks in
// order and the slices are added in a fixed order, so that a row's bits do not depend on the rows
// beside it.
var<workgroup> partial: array<vec4f, SHARED>;

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn main(@builtin(workgroup_id) group: vec3u, place: Place) {
    let n = shape.n_out;
    let lane = lane_of(place);
    let column = group.x * (LANES * 4u) + lane;
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
    for (var block = slice_of(place); block < shape.n_in / 32u; block += SLICES) {
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
//% repeat t TOKENS
    sum$t = add_up4(sum$t);
//% end
    let part = part_of(place);
    if PARTS > 1u {
        if part < PARTS {
//% repeat t TOKENS
            partial[(part * TOKENS + $tu) * LANES + lane] = sum$t;
//% end
        }
        workgroupBarrier();
    }
    if SLICES > 1u && part > 0u {
        return;
    }
    for (var other = 1u; other < PARTS; other++) {
//% repeat t TOKENS
        sum$t += partial[(other * TOKENS + $tu) * LANES + lane];
//% end
    }
//% repeat t TOKENS
    if row + $tu < shape.n_rows {
        write(row + $tu, column, sum$t);
    }
//% end
}
