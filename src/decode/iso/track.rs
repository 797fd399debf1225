//! The samples of an image sequence or film.
//!
//! Sources: ISO/IEC 14496-12, sections 8.3 (tracks), 8.5 (sample entries), 8.6.2 (sync samples) and 8.7
//! (sample tables), ISO/IEC 23008-12, section 7 (image sequences).

use std::ops::Range;

use super::{boxes, find, long, number};

/// Tracks that are looked at.
const MOST_TRACKS: usize = 16;
/// Samples of one track that are listed; the limits stop far earlier.
const MOST_SAMPLES: usize = 1 << 16;
/// What stands before the boxes in a visual sample entry.
const VISUAL_ENTRY_BYTES: usize = 78;

/// A track of pictures.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Track {
    /// How its samples are coded: the sample entry's name. `None` when there are several, or none that
    /// can be read.
    pub(crate) coding: Option<[u8; 4]>,
    /// Place of the boxes in the sample entry.
    pub(crate) entry: Range<usize>,
    /// The samples in the order of decoding; together no longer than the file.
    pub(crate) samples: Vec<Sample>,
    /// Whether all samples that the track says it has are listed.
    pub(crate) is_whole: bool,
}

/// One coded picture of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// May lie outside the file.
    pub(crate) place: Range<usize>,
    /// Whether it is decoded without another one.
    pub(crate) is_sync: bool,
}

/// Whether a file has an image sequence beside, or instead of, its still pictures.
pub(crate) fn has_sequence(bytes: &[u8]) -> bool {
    find(bytes, 0..bytes.len(), b"moov").is_some()
}

/// A copy of a file with its image sequence called free space: what remains are its still pictures,
/// everything at its place.
#[cfg(feature = "avif")]
pub(crate) fn without_sequence(bytes: &[u8]) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    for (_, body) in boxes(bytes, 0..bytes.len()).filter(|(kind, _)| kind == b"moov") {
        // The name stands right before the body, or before its long size.
        let names = [body.start.checked_sub(4), body.start.checked_sub(12)];
        for at in names.into_iter().flatten() {
            if let Some(name) = copy.get_mut(at..at + 4).filter(|name| *name == b"moov") {
                name.copy_from_slice(b"free");
            }
        }
    }
    copy
}

/// The tracks of pictures; those that are auxiliary to another (alpha, depth), sound and text are left
/// out. `None` when there is a sequence of which no track can be read, or one in fragments, whose samples no
/// table lists (ISO/IEC 14496-12, section 8.8).
pub(crate) fn tracks(bytes: &[u8]) -> Option<Vec<Track>> {
    let mut tracks = Vec::new();
    let mut is_read = false;
    if find(bytes, 0..bytes.len(), b"moof").is_some() {
        return None;
    }
    for (_, moov) in boxes(bytes, 0..bytes.len()).filter(|(kind, _)| kind == b"moov") {
        for (_, track) in boxes(bytes, moov).filter(|(kind, _)| kind == b"trak") {
            let Some(media) = find(bytes, track, b"mdia") else { continue };
            let Some(handler) = find(bytes, media.clone(), b"hdlr") else { continue };
            let Some(kind) = bytes.get(handler).and_then(|body| body.get(8..12)) else { continue };
            is_read = true;
            if tracks.len() == MOST_TRACKS {
                return None;
            }
            if matches!(kind, b"pict" | b"vide") {
                tracks.push(Track::read(bytes, media));
            }
        }
    }
    is_read.then_some(tracks)
}

impl Track {
    fn read(bytes: &[u8], media: Range<usize>) -> Self {
        let table = find(bytes, media, b"minf").and_then(|minf| find(bytes, minf, b"stbl"));
        let table = table.unwrap_or(0..0);
        let entry = find(bytes, table.clone(), b"stsd").and_then(|stsd| only_entry(bytes, stsd));
        let (samples, is_whole) = samples(bytes, table).unwrap_or_default();
        let coding = entry.as_ref().map(|(kind, _)| *kind);
        let entry = entry.map_or(0..0, |(_, place)| place);
        Self { coding, entry, samples, is_whole }
    }
}

/// Name of the one sample entry, and place of the boxes in it.
fn only_entry(bytes: &[u8], stsd: Range<usize>) -> Option<([u8; 4], Range<usize>)> {
    let mut entries = boxes(bytes, stsd.start.checked_add(8)?..stsd.end);
    let (kind, body) = entries.next()?;
    let start = body.start.checked_add(VISUAL_ENTRY_BYTES).filter(|start| *start <= body.end)?;
    entries.next().is_none().then_some((kind, start..body.end))
}

/// The samples that a sample table lists, and whether they are all.
fn samples(bytes: &[u8], table: Range<usize>) -> Option<(Vec<Sample>, bool)> {
    let part = |name: &[u8; 4]| find(bytes, table.clone(), name).and_then(|body| bytes.get(body));
    let sizes = part(b"stsz")?;
    let (same, count) = (number(sizes.get(4..8)?), number(sizes.get(8..12)?));
    let size = |index: usize| match same {
        0 => sizes.get(12 + index * 4..16 + index * 4).map(number),
        _ => Some(same),
    };
    let (chunks, chunk_bytes) = match part(b"stco") {
        Some(chunks) => (chunks, 4),
        None => (part(b"co64")?, 8),
    };
    let runs = part(b"stsc")?;
    let sync = part(b"stss");
    let is_sync = |sample: usize| {
        let table = sync?.get(8..)?;
        let number_of = u32::try_from(sample + 1).ok()?.to_be_bytes();
        Some(table.as_chunks::<4>().0.binary_search(&number_of).is_ok())
    };
    let mut listed = Vec::new();
    let mut left = bytes.len();
    'chunks: for (index, chunk) in chunks.get(8..)?.chunks_exact(chunk_bytes).enumerate() {
        let mut at = crate::num::to_usize(long(chunk))?;
        for _ in 0..per_chunk(runs, index) {
            let sample = listed.len();
            if sample == MOST_SAMPLES || sample >= crate::num::index(count) {
                break 'chunks;
            }
            let Some(size) = size(sample).map(crate::num::index) else { break 'chunks };
            // Samples that overlap would have the same bytes read over and over.
            let (Some(end), Some(rest)) = (at.checked_add(size), left.checked_sub(size)) else {
                break 'chunks;
            };
            left = rest;
            listed.push(Sample { place: at..end, is_sync: is_sync(sample).unwrap_or(true) });
            at = end;
        }
    }
    let is_whole = listed.len() == crate::num::index(count);
    Some((listed, is_whole))
}

/// Samples in a chunk: those of the last run that begins at or before it.
fn per_chunk(runs: &[u8], chunk: usize) -> u32 {
    let (runs, _) = runs.get(8..).unwrap_or_default().as_chunks::<12>();
    let starts_later = |run: &[u8; 12]| crate::num::index(number(&run[..4])) > chunk + 1;
    let run = runs.partition_point(|run| !starts_later(run)).checked_sub(1);
    run.map_or(0, |run| number(&runs[run][4..8]))
}

#[cfg(test)]
mod tests {
    use super::super::boxed;
    use super::*;

    /// A track of `handler` whose samples of 5, 6, 7 and 8 bytes lie in chunks of one and three.
    fn track(handler: &[u8; 4], entries: &[&[u8]], sync: Option<&[u8]>) -> Vec<u8> {
        let longs =
            |longs: &[u32]| longs.iter().flat_map(|long| long.to_be_bytes()).collect::<Vec<_>>();
        let sync = sync.map_or(Vec::new(), |sync| {
            boxed(
                b"stss",
                &[&[0; 8], &longs(&sync.iter().map(|at| u32::from(*at)).collect::<Vec<_>>())],
            )
        });
        let table = [
            boxed(b"stsd", &[&[0; 8], &entries.concat()]),
            boxed(b"stsz", &[&longs(&[0, 0, 4, 5, 6, 7, 8])]),
            boxed(b"stsc", &[&longs(&[0, 2, 1, 1, 1, 2, 3, 1])]),
            boxed(b"stco", &[&longs(&[0, 2, 100, 200])]),
            sync,
        ];
        let media = [
            boxed(b"hdlr", &[&[0; 8], handler, &[0; 13]]),
            boxed(b"minf", &[&boxed(b"stbl", &[&table.concat()])]),
        ];
        boxed(b"trak", &[&boxed(b"mdia", &[&media.concat()])])
    }

    fn entry() -> Vec<u8> {
        boxed(b"av01", &[&[0; VISUAL_ENTRY_BYTES], &boxed(b"av1C", &[b"four"])])
    }

    #[test]
    fn the_samples_of_a_picture_track_are_listed_and_other_tracks_left_out() {
        let own = track(b"pict", &[&entry()], Some(&[1, 3]));
        let moov = [own, track(b"auxv", &[&entry()], None), track(b"soun", &[], None)].concat();
        let file = [boxed(b"ftyp", &[b"avis"]), boxed(b"moov", &[&moov])].concat();
        let [track] = tracks(&file).unwrap().try_into().unwrap();
        assert_eq!((track.coding, track.is_whole), (Some(*b"av01"), true));
        assert_eq!(&file[track.entry.clone()], boxed(b"av1C", &[b"four"]));
        let places: Vec<_> = track.samples.iter().map(|sample| sample.place.clone()).collect();
        assert_eq!(places, [100..105, 200..206, 206..213, 213..221]);
        let sync: Vec<_> = track.samples.iter().map(|sample| sample.is_sync).collect();
        assert_eq!(sync, [true, false, true, false]);
        for end in 0..file.len() {
            let _ = tracks(&file[..end]);
        }
    }

    #[test]
    fn every_sample_is_sync_where_no_table_says_otherwise_and_two_entries_are_no_coding() {
        let moov = track(b"vide", &[&entry(), &entry()], None);
        let [track] = tracks(&boxed(b"moov", &[&moov])).unwrap().try_into().unwrap();
        assert_eq!(track.coding, None);
        assert!(track.samples.iter().all(|sample| sample.is_sync));
        assert_eq!(tracks(&boxed(b"moov", &[b"nothing"])), None);
        let moov = boxed(b"moov", &[&moov]);
        assert!(tracks(&moov).is_some());
        assert_eq!(tracks(&[moov, boxed(b"moof", &[])].concat()), None);
    }

    #[test]
    fn samples_that_are_longer_than_the_file_together_are_not_listed() {
        let mut file = boxed(b"moov", &[&track(b"pict", &[&entry()], None)]);
        let sizes = file.windows(4).position(|name| name == b"stsz").unwrap();
        let length = u32::try_from(file.len() - 6).unwrap().to_be_bytes();
        file[sizes + 16..sizes + 20].copy_from_slice(&length);
        let [track] = tracks(&file).unwrap().try_into().unwrap();
        assert_eq!((track.samples.len(), track.is_whole), (2, false));
    }

    #[cfg(feature = "avif")]
    #[test]
    fn a_sequence_becomes_free_space() {
        let film = boxed(b"moov", &[b"film"]);
        let long = [b"\0\0\0\x01moov\0\0\0\0\0\0\0\x12".as_slice(), b"!!"].concat();
        for film in [film, long] {
            let file = [boxed(b"ftyp", &[b"avis"]), film, boxed(b"mdat", &[b"moov"])].concat();
            assert!(has_sequence(&file));
            let still = without_sequence(&file);
            assert!(!has_sequence(&still) && still.ends_with(b"moov"));
            assert_eq!(file.len(), still.len());
        }
    }
}
