//! The cells of a heat map, one by one.

/// One cell, in values of the axes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell<'a> {
    /// Its left and right edge.
    pub x: [f64; 2],
    /// Its first and second edge along the vertical axis.
    pub y: [f64; 2],
    /// What it shows.
    pub value: f64,
    /// What is printed in it, or nothing.
    pub label: &'a str,
}

/// The cells between the edges `x` and `y`, row by row as `values` and `labels` are. Where there
/// are fewer values than cells, the cells without one are left out.
pub fn cells<'a>(
    x: &'a [f64],
    y: &'a [f64],
    values: &'a [f64],
    labels: &'a [String],
) -> impl Iterator<Item = Cell<'a>> {
    let columns = move || x.windows(2).map(|edges| [edges[0], edges[1]]);
    let places = y.windows(2).flat_map(move |row| columns().map(move |x| (x, [row[0], row[1]])));
    let labels = labels.iter().map(String::as_str).chain(std::iter::repeat(""));
    let filled = places.zip(values).zip(labels);
    filled.map(|(((x, y), value), label)| Cell { x, y, value: *value, label })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_row_by_row() {
        let labels = ["a".to_owned()];
        let all: Vec<Cell<'_>> =
            cells(&[0.0, 1.0, 3.0], &[10.0, 20.0, 40.0], &[1.0, 2.0, 3.0], &labels).collect();
        assert_eq!(all.len(), 3);
        assert_eq!(all[0], Cell { x: [0.0, 1.0], y: [10.0, 20.0], value: 1.0, label: "a" });
        assert_eq!(all[2], Cell { x: [0.0, 1.0], y: [20.0, 40.0], value: 3.0, label: "" });
        assert_eq!(cells(&[0.0], &[0.0, 1.0], &[1.0], &[]).count(), 0);
    }
}
