//! Where needles shall stand.

use crate::seed::Stream;

/// Where needles shall stand in their context, 0 at the begin to 1 at the end.
#[derive(Debug, Clone, PartialEq)]
pub enum Depths {
    /// In turn at each of these, which ascend.
    Grid(Vec<f64>),
    /// Anywhere, by chance.
    Uniform,
}

impl Default for Depths {
    /// Five steps, so that round numbers of tests fall evenly on them.
    fn default() -> Self {
        Self::Grid(vec![0.0, 0.25, 0.5, 0.75, 1.0])
    }
}

impl Depths {
    /// Reads `uniform` or depths with commas between them.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim() == "uniform" {
            return Ok(Self::Uniform);
        }
        let mut grid = Vec::new();
        for part in text.split(',').map(str::trim) {
            match part.parse::<f64>() {
                Ok(depth) if (0.0..=1.0).contains(&depth) => grid.push(depth),
                _ => {
                    return Err(format!(
                        "`{part}` is no depth; write `uniform`, or numbers from 0 to 1 with commas between \
                         them, such as 0,0.5,1"
                    ));
                }
            }
        }
        grid.sort_by(f64::total_cmp);
        grid.dedup();
        Ok(Self::Grid(grid))
    }

    /// The depths of the needles of the test with this number. The needles of one test keep apart as
    /// far as the depths allow; over the tests each depth comes equally often at each needle.
    pub(super) fn of(&self, number: usize, n_needles: usize, stream: &mut Stream) -> Vec<f64> {
        match self {
            Self::Grid(grid) if grid.is_empty() => vec![0.5; n_needles],
            Self::Grid(grid) => {
                let stride = (grid.len() / n_needles.max(1)).max(1);
                let place = |needle: usize| grid[(number + needle * stride) % grid.len()];
                (0..n_needles).map(place).collect()
            }
            Self::Uniform => {
                let first = stream.unit();
                (0..n_needles).map(|ix| (first + ix as f64 / n_needles as f64).fract()).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_are_read_and_refused() {
        assert_eq!(Depths::parse("1, 0,0.5,0").unwrap(), Depths::Grid(vec![0.0, 0.5, 1.0]));
        assert_eq!(Depths::parse("uniform").unwrap(), Depths::Uniform);
        for wrong in ["", "0,,1", "1.5", "-0.1", "NaN", "inf", "even"] {
            assert!(Depths::parse(wrong).unwrap_err().contains("no depth"), "{wrong}");
        }
    }

    #[test]
    fn each_depth_comes_equally_often_and_needles_keep_apart() {
        let mut stream = Stream::new(1, "", "");
        let grid = Depths::default();
        let mut counts = [0; 5];
        for number in 0..20 {
            let depths = grid.of(number, 4, &mut stream);
            for (ix, depth) in depths.iter().enumerate() {
                assert!(!depths[..ix].contains(depth), "{depths:?}");
                counts[(depth * 4.0) as usize] += 1;
            }
        }
        assert_eq!(counts, [16; 5]);
        let mut lowest = Vec::new();
        for number in 0..200 {
            let mut depths = Depths::Uniform.of(number, 4, &mut stream);
            depths.sort_by(f64::total_cmp);
            assert!(depths.windows(2).all(|pair| pair[1] - pair[0] > 0.2499), "{depths:?}");
            lowest.push(depths[0]);
        }
        assert!(lowest.iter().any(|d| *d < 0.05) && lowest.iter().any(|d| *d > 0.2));
    }
}
