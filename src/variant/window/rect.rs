//! Rectangles in fractions of a picture.
//!
//! Owns their arithmetic; where frames, tiles and crops lie is said by the modules that guess them.

/// A rectangle in fractions of the picture's width and height; may reach beyond 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Right edge.
    pub right: f32,
    /// Bottom edge.
    pub bottom: f32,
}

impl Rect {
    /// The whole picture.
    pub const WHOLE: Self = Self { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };

    /// Width, as a fraction of the picture's.
    pub fn width(&self) -> f32 {
        self.right - self.left
    }

    /// Height, as a fraction of the picture's.
    pub fn height(&self) -> f32 {
        self.bottom - self.top
    }

    /// The largest difference of an edge.
    pub(crate) fn difference(&self, other: &Self) -> f32 {
        (self.left - other.left)
            .abs()
            .max((self.top - other.top).abs())
            .max((self.right - other.right).abs())
            .max((self.bottom - other.bottom).abs())
    }

    /// What `inner`, in fractions of this rectangle, is in fractions of the picture.
    pub(crate) fn place(&self, inner: &Self) -> Self {
        Self {
            left: self.left + self.width() * inner.left,
            top: self.top + self.height() * inner.top,
            right: self.left + self.width() * inner.right,
            bottom: self.top + self.height() * inner.bottom,
        }
    }
}
