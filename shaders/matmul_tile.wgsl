// Matrix products (`shared/product.wgsl`) in workgroup memory: for prompts on hardware adapters.
//
// A workgroup computes 64 outputs of 32 or 64 rows, 32 inputs (a block of weights) at a time: its
// threads decode the weights and turn them so that four outputs of one input lie together, turn the
// inputs alike, and each then multiplies 4 outputs with 4 ROW_QUADS rows in registers. Each sum runs
// over its inputs in order, whatever the tile, so that a row's bits do not depend on the rows beside
// it. Vectors in workgroup memory are written whole, as two threads may not write parts of one.
const LANES: u32 = 16u;
const ROW_LANES: u32 = 8u;
// Rows' quads of the tile.
const ROWS: u32 = ROW_LANES * ROW_QUADS;

var<workgroup> tile_weights: array<vec4<Weight>, 512>; // [32, LANES]
var<workgroup> tile_inputs: array<vec4f, 256u * ROW_QUADS>; // [32, ROWS]

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let lane = thread % LANES;
    let row_lane = thread / LANES;
    let column = group.x * (LANES * 4u) + lane;
    // Columns and rows past the end repeat the last one and are not written: no thread leaves early.
    let columns = min(vec4u(column, column + LANES, column + 2u * LANES, column + 3u * LANES), vec4u(shape.n_out - 1u));
    let base0 = base_of(columns.x);
    let base1 = base_of(columns.y);
    let base2 = base_of(columns.z);
    let base3 = base_of(columns.w);
    // Four rows and four inputs of which the thread brings the values: those of its quads.
    let first_row = (shape.first_group + group.y) * (ROWS * 4u);
    let width = shape.n_in / 4u;
    let loaded = thread % ROWS;
    let loads = thread / ROWS;
    let rows = min(vec4u(first_row + loaded * 4u) + vec4u(0u, 1u, 2u, 3u), vec4u(shape.n_rows - 1u)) * width;
//% repeat t ROW_QUADS
    var sum$t0 = vec4f();
    var sum$t1 = vec4f();
    var sum$t2 = vec4f();
    var sum$t3 = vec4f();
//% end
    for (var block = 0u; block < shape.n_in / 32u; block++) {
        let w0 = weights4(base0, block, row_lane, scales(base0, block));
        let w1 = weights4(base1, block, row_lane, scales(base1, block));
        let w2 = weights4(base2, block, row_lane, scales(base2, block));
        let w3 = weights4(base3, block, row_lane, scales(base3, block));
        let to = row_lane * 4u * LANES + lane;
        tile_weights[to] = vec4<Weight>(vec4f(w0.x, w1.x, w2.x, w3.x));
        tile_weights[to + LANES] = vec4<Weight>(vec4f(w0.y, w1.y, w2.y, w3.y));
        tile_weights[to + 2u * LANES] = vec4<Weight>(vec4f(w0.z, w1.z, w2.z, w3.z));
        tile_weights[to + 3u * LANES] = vec4<Weight>(vec4f(w0.w, w1.w, w2.w, w3.w));
        if loads < 8u {
            let at = block * 8u + loads;
            let x0 = inputs[rows.x + at];
            let x1 = inputs[rows.y + at];
            let x2 = inputs[rows.z + at];
            let x3 = inputs[rows.w + at];
            let to = loads * 4u * ROWS + loaded;
            tile_inputs[to] = vec4f(x0.x, x1.x, x2.x, x3.x);
            tile_inputs[to + ROWS] = vec4f(x0.y, x1.y, x2.y, x3.y);
            tile_inputs[to + 2u * ROWS] = vec4f(x0.z, x1.z, x2.z, x3.z);
            tile_inputs[to + 3u * ROWS] = vec4f(x0.w, x1.w, x2.w, x3.w);
        }
        workgroupBarrier();
        for (var k = 0u; k < 32u; k++) {
            let w = vec4f(tile_weights[k * LANES + lane]);
//% repeat t ROW_QUADS
            let x$t = tile_inputs[k * ROWS + row_lane * ROW_QUADS + $tu];
            sum$t0 = fma(w, vec4f(x$t.x), sum$t0);
            sum$t1 = fma(w, vec4f(x$t.y), sum$t1);
            sum$t2 = fma(w, vec4f(x$t.z), sum$t2);
            sum$t3 = fma(w, vec4f(x$t.w), sum$t3);
//% end
        }
        workgroupBarrier();
    }
//% repeat t ROW_QUADS
    {
        let row = first_row + (row_lane * ROW_QUADS + $tu) * 4u;
        if row < shape.n_rows {
            write(row, column, sum$t0);
        }
        if row + 1u < shape.n_rows {
            write(row + 1u, column, sum$t1);
        }
        if row + 2u < shape.n_rows {
            write(row + 2u, column, sum$t2);
        }
        if row + 3u < shape.n_rows {
            write(row + 3u, column, sum$t3);
        }
    }
//% end
}
