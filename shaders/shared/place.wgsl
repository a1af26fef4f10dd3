// Where a row of the weights begins: 64 rows lie together, word by word, so that neighbouring threads
// read neighbouring words and a workgroup reads on without jumps. Word i of the row is 64 i further.
fn base_of(row: u32) -> u32 {
    return row / 64u * (shape.words * 64u) + row % 64u;
}

