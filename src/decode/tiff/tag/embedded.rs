//! Where the JPEG pictures lie that TIFF directories lead to.
//!
//! Sources: TIFF 6.0, section 22 (JPEG), Exif 2.32, section 4.5.5 (thumbnail), CIPA DC-007, section 5.2 (MPF).

use std::ops::Range;

use super::{
    COMPRESSION, ENTRY_BYTES, MOST_DIRECTORIES, MOST_ENTRIES, MOST_VALUES, SHORT, STRIP_BYTES,
    STRIP_OFFSETS, SUB_DIRECTORIES, Tiff,
};

pub(crate) const JPEG_OFFSET: u16 = 513;
pub(crate) const JPEG_BYTES: u16 = 514;
/// A whole JPEG file in Panasonic's first directory.
const RW2_JPEG: u16 = 46;
const EXIF_DIRECTORY: u16 = 34665;
/// The list of pictures in an MPF index.
pub(super) const MP_ENTRY: u16 = 0xb002;
const MP_ENTRY_BYTES: usize = 16;
/// Compression of a strip that is a JPEG stream: the old way and the new.
const JPEG_COMPRESSIONS: [usize; 2] = [6, 7];

/// One directory's embedded pictures and where it leads.
#[derive(Default)]
struct Directory {
    next: Option<usize>,
    children: Vec<usize>,
    jpeg: [Option<usize>; 2],
    strip: [Option<usize>; 2],
    compression: Option<usize>,
    whole: Option<Range<usize>>,
}

impl Tiff<'_> {
    /// The whole JPEG that the directory at `start` points to the old way (TIFF 6.0, section 22).
    pub(crate) fn whole_jpeg(&self, start: u64) -> Option<Range<usize>> {
        if self.is_big() {
            return None;
        }
        let directory = self.directory(crate::num::to_usize(start)?)?;
        let place = self.place(directory.jpeg)?;
        self.bytes.get(place.clone())?.starts_with(b"\xff\xd8\xff").then_some(place)
    }

    /// Places of JPEG streams that any directory points to, within the bytes and each once; never
    /// panics, and ends for every input.
    pub(crate) fn embedded_jpegs(&self) -> Vec<Range<usize>> {
        let (mut found, mut seen) = (Vec::new(), Vec::new());
        let mut open: Vec<usize> = self.long(4).into_iter().collect();
        while let Some(start) = open.pop().filter(|_| seen.len() < MOST_DIRECTORIES) {
            if seen.contains(&start) {
                continue;
            }
            seen.push(start);
            let Some(directory) = self.directory(start) else { continue };
            found.extend(directory.whole.clone());
            found.extend(self.place(directory.jpeg));
            if directory.compression.is_some_and(|value| JPEG_COMPRESSIONS.contains(&value)) {
                found.extend(self.place(directory.strip));
            }
            open.extend(directory.next.into_iter().chain(directory.children));
        }
        found.retain(|place| {
            self.bytes.get(place.clone()).is_some_and(|jpeg| jpeg.starts_with(b"\xff\xd8\xff"))
        });
        found.sort_by_key(|place| (place.start, place.end));
        found.dedup();
        found
    }

    /// Places of an MPF index's pictures, relative to its own start, the main picture left out.
    pub(crate) fn indexed_pictures(&self) -> Vec<Range<usize>> {
        let Some(start) = self.long(4) else { return Vec::new() };
        let Some((entry, count)) = self
            .entries(start)
            .find(|(tag, ..)| *tag == MP_ENTRY)
            .map(|(_, at, count)| (at, count))
        else {
            return Vec::new();
        };
        let Some(list) = self.long(entry + 8) else { return Vec::new() };
        let pictures = (0..(count / MP_ENTRY_BYTES).min(MOST_DIRECTORIES)).filter_map(|index| {
            let at = list.checked_add(index * MP_ENTRY_BYTES)?;
            let (size, offset) = (self.long(at + 4)?, self.long(at + 8)?);
            (offset != 0).then_some(offset..offset.checked_add(size)?)
        });
        pictures.collect()
    }

    fn directory(&self, start: usize) -> Option<Directory> {
        let count = usize::from(self.short(start)?);
        let mut directory = Directory {
            next: self.long(start.checked_add(2 + count * ENTRY_BYTES)?).filter(|next| *next != 0),
            ..Directory::default()
        };
        for (tag, entry, values) in self.entries(start) {
            let value = self.value(entry);
            match tag {
                COMPRESSION => directory.compression = value,
                JPEG_OFFSET => directory.jpeg[0] = value,
                JPEG_BYTES => directory.jpeg[1] = value,
                STRIP_OFFSETS if values == 1 => directory.strip[0] = value,
                STRIP_BYTES if values == 1 => directory.strip[1] = value,
                RW2_JPEG => directory.whole = self.place([self.long(entry + 8), Some(values)]),
                EXIF_DIRECTORY => directory.children.extend(value),
                SUB_DIRECTORIES if values == 1 => directory.children.extend(value),
                SUB_DIRECTORIES => directory.children.extend(self.list(entry, values)),
                _ => {}
            }
        }
        Some(directory)
    }

    /// Tag, place and count of values of each entry.
    fn entries(&self, start: usize) -> impl Iterator<Item = (u16, usize, usize)> + '_ {
        let count = self.short(start).map_or(0, usize::from).min(MOST_ENTRIES);
        (0..count).map_while(move |index| {
            let at = start + 2 + index * ENTRY_BYTES;
            Some((self.short(at)?, at, self.long(at + 4)?))
        })
    }

    /// The first value of an entry whose values fit into it.
    fn value(&self, entry: usize) -> Option<usize> {
        match self.short(entry + 2)? {
            SHORT => self.short(entry + 8).map(usize::from),
            _ => self.long(entry + 8),
        }
    }

    /// The longs that an entry points to.
    fn list(&self, entry: usize, count: usize) -> Vec<usize> {
        let Some(start) = self.long(entry + 8) else { return Vec::new() };
        (0..count.min(MOST_VALUES)).map_while(|index| self.long(start + index * 4)).collect()
    }

    fn place(&self, [start, length]: [Option<usize>; 2]) -> Option<Range<usize>> {
        let (start, length) = (start?, length?);
        // A length beyond the end is written by careless editors; the decoder says what is missing.
        let end = start.checked_add(length)?.min(self.bytes.len());
        (start < end).then_some(start..end)
    }
}
