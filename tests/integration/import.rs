//! Source formats: every form gives exactly its rows, and every fault its line and reason.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};

use onceseen::hash::Algorithm;
use onceseen::list::{
    Columns, ImportFormat, ImportSettings, ImportSummary, Imported, ImportedRow, Importer,
};
use proptest::prelude::*;

const PDQ: &str = "d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b22";
const PDQ_UPPER: &str = "D8F8F0CEE0F4A84F0637022A078F67F0B36E2ED596621E1D33E6339C4E9C9B22";
const MD5: &str = "0cc175b9c0f1b6a831c399e269772661";
const SHA1: &str = "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8";
const SHA256: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
const EMPTY_MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// A row in one line: hashes with quality, digests, record, category, source, fields.
fn row_text(row: &ImportedRow) -> String {
    let mut out = String::new();
    for hash in &row.hashes {
        let quality = hash.quality().map(|quality| format!("@{quality}")).unwrap_or_default();
        write!(out, "{}:{hash}{quality} ", hash.algorithm()).unwrap();
    }
    for digest in &row.digests {
        write!(out, "{digest:?} ").unwrap();
    }
    for (name, value) in [("record", &row.claim.record), ("category", &row.claim.category)] {
        if let Some(value) = value {
            write!(out, "{name}={value} ").unwrap();
        }
    }
    if !row.claim.source.is_empty() {
        write!(out, "source={} ", row.claim.source).unwrap();
    }
    for (name, value) in &row.claim.fields {
        write!(out, "[{name}={value}] ").unwrap();
    }
    out.trim_end().to_owned()
}

fn import(source: &[u8], settings: ImportSettings) -> (Vec<String>, ImportSummary) {
    // A small buffer: lines cross its end.
    let reader = BufReader::with_capacity(7, source);
    let mut importer = match Importer::new(reader, settings) {
        Ok(importer) => importer,
        Err(error) => return (vec![format!("fatal: {error}")], ImportSummary::default()),
    };
    let items = importer
        .by_ref()
        .map(|item| match item {
            Ok(Imported::Row(row)) => row_text(&row),
            Ok(Imported::Refused(refused)) => refused.to_string(),
            Err(error) => format!("fatal: {error}"),
        })
        .collect();
    (items, importer.summary())
}

/// Asserts what `source` gives; in `source` and `expected`, `P`, `U`, `M`, `S`, `X`, `E` in braces
/// stand for the constants above.
#[track_caller]
fn check_with(settings: ImportSettings, source: &str, expected: &[&str]) -> ImportSummary {
    let (items, summary) = import(fill(source).as_bytes(), settings);
    let expected: Vec<String> = expected.iter().map(|text| fill(text)).collect();
    assert_eq!(items, expected);
    summary
}

#[track_caller]
fn check(source: &str, expected: &[&str]) -> ImportSummary {
    check_with(ImportSettings::default(), source, expected)
}

fn fill(text: &str) -> String {
    text.replace("{P}", PDQ)
        .replace("{U}", PDQ_UPPER)
        .replace("{M}", MD5)
        .replace("{S}", SHA1)
        .replace("{X}", SHA256)
        .replace("{E}", EMPTY_MD5)
}

fn with_columns(columns: &str) -> ImportSettings {
    ImportSettings::builder().columns(columns.parse::<Columns>().unwrap()).build().unwrap()
}

#[test]
fn every_form_of_pdq_text_is_read() {
    check("{P}\n", &["pdq:{P}"]);
    check("{U}\n", &["pdq:{P}"]);
    check("hash={P}\n", &["pdq:{P}"]);
    check("pdq {P}\n", &["pdq:{P}"]);
    check("pdq:{P},r-1", &["pdq:{P} record=r-1"]);
    check("PDQ512 {P}", &["pdq512:{P}"]);
    check("{P},a b, c.jpg\n", &["pdq:{P} record=a b, c.jpg"]);
    check("{P},100,dir/a,b.jpg\n", &["pdq:{P}@100 record=dir/a,b.jpg"]);
    check("{P},7\n", &["pdq:{P} record=7"]);
    check("\u{feff}# a list\r\n\r\n  {P}\r\n", &["pdq:{P}"]);
}

#[test]
fn digests_are_known_by_label_or_length() {
    let source =
        "{M}\n{S}\nmd5:{M}\nsha1 {S}\nSHA-1={S}\nsha256:{X},r\n{M}  dir/a b.jpg\n{S} *b.png";
    let summary = check(
        source,
        &[
            "md5:{M}",
            "sha1:{S}",
            "md5:{M}",
            "sha1:{S}",
            "sha1:{S}",
            "sha256:{X} record=r",
            "md5:{M} record=dir/a b.jpg",
            "sha1:{S} record=b.png",
        ],
    );
    assert_eq!((summary.rows, summary.lines, summary.refused_rows), (8, 8, 0));
}

#[test]
fn names_of_checksum_lines_hold_commas_and_escapes() {
    check(
        "{M}  a, b.jpg\n{S} *c,50,d.jpg\n\\{M}  C:\\\\new\\nline\n{M} , r\n{P}  x,1\n",
        &[
            "md5:{M} record=a, b.jpg",
            "sha1:{S} record=c,50,d.jpg",
            "md5:{M} record=C:\\new\nline",
            "md5:{M} record=r",
            "line 5: 64 hex digits before a file name may be SHA-256 or PDQ: label the line sha256: or pdq:",
        ],
    );
    check("\\{M}  a\\\\b, c.jpg\n", &["md5:{M} record=a\\b, c.jpg"]);
}

#[test]
fn bare_hashes_are_of_the_algorithm_asked_for() {
    let phash = ImportSettings::builder().algorithm(Algorithm::Phash).build().unwrap();
    let source = "0123456789abcdef\n{P}\npdq:{P}\n";
    check_with(
        phash,
        source,
        &[
            "phash:0123456789abcdef",
            "line 2: 64 hex digits are no phash hash: label them, as in pdq:… or sha256:…",
            "pdq:{P}",
        ],
    );
    check(
        "phash:0123456789abcdef\ndouble-gradient 0123456789",
        &["phash:0123456789abcdef", "double-gradient:0123456789"],
    );
}

#[test]
fn faulty_text_lines_are_refused_with_line_and_reason() {
    let zeros = "0".repeat(64);
    check(
        &format!(
            "{{P}}\n{{P}}0\n0123\nzz{{M}}\nvpdq:{{P}}\n{{X}}  a.jpg\n{}\n{zeros}\n{{P}},12,a.jpg\n{{E}}\nmd5:{{S}}\n",
            "0".repeat(32)
        ),
        &[
            "pdq:{P}",
            "line 2: expected 64 hex digits (pdq), 32 (md5) or 40 (sha1), found 65: correct the \
             value or name its algorithm",
            "line 3: expected 64 hex digits (pdq), 32 (md5) or 40 (sha1), found 4: correct the \
             value or name its algorithm",
            "line 4: character 1 of the hash is 'z', not a hex digit: correct it",
            "line 5: 'vpdq' is no kind of hash that a list holds: use pdq, md5, sha1, sha256 or an \
             algorithm of the 64-bit family",
            "line 6: 64 hex digits before a file name may be SHA-256 or PDQ: label the line \
             sha256: or pdq:",
            "line 7: 32 zeros are no hash: ask the source for the value",
            "line 8: an all-zero PDQ hash comes from a failed hasher: hash the picture again",
            "line 9: the PDQ hash has quality 12, below 50, and is never matched: list this \
             picture by digest",
            "line 10: this is the md5 of the empty file, which no list may hold: remove it",
            "line 11: expected 32 hex digits for md5, found 40: correct the value",
        ],
    );
}

#[test]
fn hashdeep_columns_come_from_its_header_and_names_keep_their_commas() {
    let summary = check(
        "%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## Invoked from: /x\n##\n\
         48211,{M},{X},/case/a, b.jpg\n0,{E},\n",
        &[
            "md5:{M} sha256:{X} record=/case/a, b.jpg [size=48211]",
            "line 6: expected 4 values, found 3: complete the line",
        ],
    );
    assert_eq!(summary.rows, 1);
}

#[test]
fn csv_headers_are_matched_without_case_and_other_columns_are_kept() {
    check(
        "Image ID,PDQ_Hash,Md5,SHA-1,Classification,Quality,Series name\n\
         7,{U},{M},{S},A1,99,\"Blue, \"\"deep\"\"\"\n",
        &["pdq:{P}@99 md5:{M} sha1:{S} record=7 category=A1 [Series name=Blue, \"deep\"]"],
    );
    check("md5\tsource\n{M}\tpartner\n", &["md5:{M} source=partner"]);
    check("sep=;\nmd5;id\n{M};1,2\n", &["md5:{M} record=1,2"]);
    check(
        "hash,file\n{P},a\n{M},b\nsha1:{S},c\n",
        &["pdq:{P} [file=a]", "md5:{M} [file=b]", "sha1:{S} [file=c]"],
    );
}

#[test]
fn faults_in_csv_name_line_and_column_across_quoted_lines() {
    check(
        "md5,sha1,note\n{M},,\"two\nlines\"\n{M},{S}0,x\n,,y\n{M}\n{M},{S},\"open\n{M},,z\n",
        &[
            "md5:{M} [note=two\nlines]",
            "md5:{M} [note=x]",
            "line 4, sha1: expected 40 hex digits for sha1, found 41: correct the value; the rest \
             of the row is kept",
            "line 5: no hash and no digest in this row: remove the row or fill one in",
            "line 6: expected 3 cells, found 1: correct the row",
            "line 7: a quote opens in this row and never closes: close it",
            "md5:{M} [note=z]",
        ],
    );
}

#[test]
fn columns_can_be_named_by_position_and_by_header() {
    check_with(
        with_columns("pdq=0,md5=2,record=3,category=ncmec:5"),
        "{P},x,{M},r-9,,A1\n",
        &["pdq:{P} md5:{M} record=r-9 category=ncmec:A1 [column 1=x]"],
    );
    check_with(with_columns("md5=0,record=1"), "MD5;Name\n{M};n\n", &["md5:{M} record=n"]);
    check_with(
        with_columns("md5=Value,category=uk:Grade,ignore=Size,field.kind=T"),
        "Grade\tValue\tSize\tT\nB\t{M}\t9\tphoto\n",
        &["md5:{M} category=uk:B [kind=photo]"],
    );
    check_with(
        with_columns("md5=4"),
        "{M},a\n",
        &["fatal: column 4 does not exist: the first row has 2 (counted from 0)"],
    );
    check_with(
        with_columns("md5=Sum"),
        "{M},a\n",
        &["fatal: no column 'Sum' among the 2 of the first row"],
    );
}

#[test]
fn wrong_column_mappings_and_settings_are_refused() {
    for (text, part) in [
        ("record=1", "name no hash or digest"),
        ("md5", "is not of the form NAME=COLUMN"),
        ("md5=", "is not of the form NAME=COLUMN"),
        ("crc=1", "is not of the form NAME=COLUMN"),
    ] {
        let message = text.parse::<Columns>().unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    let text_with_delimiter =
        ImportSettings::builder().format(ImportFormat::Text).delimiter(b';').build().unwrap_err();
    assert!(text_with_delimiter.is_settings());
    assert!(ImportSettings::builder().delimiter(b'a').build().is_err());
    assert!(ImportSettings::builder().quality(101).build().is_err());
    assert!(
        "xls".parse::<ImportFormat>().unwrap_err().to_string().contains("expected one of text")
    );
}

#[test]
fn threatexchange_files_are_read_in_all_three_forms() {
    check(
        "signal_type,signal_str,collab,category,tags\n\
         pdq,{P},partner-a,POSITIVE_CLASS,a b\nvideo_md5,{M},partner-b,,\nurl,http://x,c,,\n",
        &[
            "pdq:{P} category=threatexchange:POSITIVE_CLASS source=partner-a [tags=a b]",
            "md5:{M} source=partner-b",
            "line 4, signal_str: 'url' is no kind of hash that a list holds: use pdq, md5, sha1, \
             sha256 or an algorithm of the 64-bit family",
        ],
    );
    check(
        "{P},4012345678,2026-11-03T10:00:00+0000,\"a b\"\n",
        &["pdq:{P} record=4012345678 [added_on=2026-11-03T10:00:00+0000] [tags=a b]"],
    );
    check(
        "{P},99123,4012345678,1762160400,\"a b\"\n",
        &["pdq:{P} record=4012345678 [indicator_id=99123] [added_on=1762160400] [tags=a b]"],
    );
}

#[test]
fn photodna_of_an_icse_file_is_counted_as_not_importable() {
    let summary = check(
        "MD5;SHA1;PhotoDNA;Image ID;Is distributed;Baseline\n\
         {M};{S};AAAA;17;True;1\n;;BBBB;18;False;\n",
        &[
            "md5:{M} sha1:{S} record=17 category=interpol-baseline:1 [Is distributed=True]",
            "line 3: only a PhotoDNA value, which cannot be matched here: ask the source for PDQ \
             or digests",
        ],
    );
    assert_eq!((summary.photodna_values, summary.rows, summary.refused_rows), (2, 1, 1));
}

#[test]
fn records_of_our_own_are_read_from_json_lines() {
    check(
        "{\"path\":\"a/b.jpg\",\"status\":\"hashed\",\"reason\":null,\"partial\":false,\"bytes\":9,\
         \"format\":\"jpeg\",\"width\":4,\"height\":5,\"digests\":{\"md5\":\"{M}\",\"sha1\":\"{S}\",\
         \"sha256\":\"{X}\"},\"hashes\":{\"pdq\":\"{P}\",\"phash\":null},\"quality\":100,\
         \"path_bytes\":null}\n\
         {\"path\":\"c.jpg\",\"status\":\"unexaminable\",\"digests\":{\"md5\":\"{M}\"},\"hashes\":{}}\n\
         {\"path\":\"d.jpg\",\"status\":\"unknown\",\"partial\":true,\"digests\":{\"md5\":\"{M}\"},\
         \"hashes\":{\"pdq\":\"{P}\"},\"quality\":3}\n",
        &[
            "pdq:{P}@100 md5:{M} sha1:{S} sha256:{X} record=a/b.jpg",
            "line 2: a record with status 'unexaminable' holds no hash to import: the picture \
             could not be hashed",
            "md5:{M} record=d.jpg [partial=true]",
            "line 3: the PDQ hash has quality 3, below 50, and is never matched: list this picture \
             by digest; the rest of the row is kept",
        ],
    );
}

#[test]
fn records_of_our_own_are_read_from_csv() {
    check(
        "path,status,reason,bytes,format,width,height,md5,sha1,sha256,pdq,quality\n\
         a.jpg,hashed,,9,jpeg,4,5,{M},{S},{X},{P},100\n\
         b.txt,not-an-image,no magic,9,,,,{M},{S},{X},,\n\
         c.jpg,known,,9,jpeg,4,5,null,,{X},,null\n",
        &[
            "pdq:{P}@100 md5:{M} sha1:{S} sha256:{X} record=a.jpg",
            "line 3: a record with status 'not-an-image' holds no hash to import: the picture \
             could not be hashed",
            "sha256:{X} record=c.jpg",
        ],
    );
}

#[test]
fn generic_json_lines_keep_other_members_in_their_order() {
    check(
        "{\"zeta\":1,\"MD5\":\"{M}\",\"id\":12,\"category\":\"A\",\"alpha\":[\"x\"],\"quality\":90}\n\
         \n{\"md5\":[1]}\n{\"md5\":\"{M}\"\n[1]\n{\"md5\" \"{M}\"}\n{\"hashes\":{\"crc\":\"1\"}}\n",
        &[
            "md5:{M} record=12 category=A [zeta=1] [alpha=[\"x\"]]",
            "line 3, md5: expected hex text: give one value a row",
            "line 4: the JSON object does not end on this line: put each object on one line",
            "line 5: expected one JSON object a line: put each object on a line",
            "line 6: the JSON is broken at character 8: correct it",
            "line 7, hashes.crc: no kind of hash that a list holds: remove it or rename it",
        ],
    );
}

#[test]
fn files_that_hold_no_hashes_are_refused_as_a_whole() {
    for (source, part) in [
        (&b"\xff\xfed\x008\x00"[..], "the file is UTF-16"),
        (b"ab\x00cd\n", "the file is binary"),
        (b"<?xml version=\"1.0\"?>\n<a/>\n", "looks like XML"),
        (b"[\n", "looks like one JSON document"),
        (b"name,size\nx,1\n", "expected one hash a line"),
    ] {
        let (items, _) = import(source, ImportSettings::default());
        assert!(items[0].starts_with("fatal: ") && items[0].contains(part), "{}", items[0]);
    }
    check("", &[]);
    check("# nothing yet\n", &[]);
}

#[test]
fn a_broken_first_line_does_not_hide_the_format() {
    check(
        "zz,\n{P}\n",
        &["line 1: character 1 of the hash is 'z', not a hex digit: correct it", "pdq:{P}"],
    );
}

#[test]
fn messages_show_no_whole_hash_and_no_control_character() {
    let refused = format!("{PDQ}\n{PDQ}:{PDQ}\nab\u{1b}[2Jc {PDQ}\n{{{PDQ}\n");
    let (items, _) = import(refused.as_bytes(), ImportSettings::default());
    for message in &items[1..] {
        assert!(!message.contains(&PDQ[..9]) && !message.contains('\u{1b}'), "{message}");
    }
    assert!(items[2].contains("'ab\\u{1b}[2Jc'"), "{}", items[2]);
}

#[test]
fn an_endless_line_is_refused_without_being_held() {
    let endless = b"md5,x\n".chain(std::io::repeat(b'a').take(64 << 20)).chain(&b"\n"[..]);
    let last = format!("{MD5},y\n");
    let source = BufReader::new(endless.chain(last.as_bytes()));
    let items: Vec<_> =
        Importer::new(source, ImportSettings::default()).unwrap().map(Result::unwrap).collect();
    let [Imported::Refused(refused), Imported::Row(_)] = items.as_slice() else {
        panic!("{} items", items.len());
    };
    let message = refused.to_string();
    assert!(message.starts_with("line 2: the line is longer than 1048576 bytes"), "{message}");
}

#[test]
fn a_failing_reader_ends_the_import_with_its_error() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("disk gone"))
        }
    }
    let good = format!("{MD5}\n");
    let reader = BufReader::new(good.as_bytes().chain(Failing));
    let mut importer = Importer::new(reader, ImportSettings::default()).unwrap();
    assert!(matches!(importer.next(), Some(Ok(Imported::Row(_)))));
    assert!(matches!(importer.next(), Some(Err(_))));
    assert!(importer.next().is_none());
}

#[test]
fn errors_of_a_file_carry_its_path() {
    let path = std::path::Path::new("no/such/list.txt");
    let error = Importer::open(path, ImportSettings::default()).unwrap_err();
    assert_eq!(error.path(), Some(path));
    assert_eq!(error.to_string(), "no/such/list.txt: cannot read the hash file");
}

#[test]
fn the_published_reference_hashes_are_imported() {
    let data = std::env::var("ONCESEEN_DATA").unwrap_or_else(|_| "../shared/data".into());
    let path = std::path::Path::new(&data).join("pdq/expected.csv");
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("SKIPPED: {} is absent", path.display());
        return;
    };
    let lines = BufReader::new(file).lines().count();
    let mut importer = Importer::open(&path, ImportSettings::default()).unwrap();
    let rows = importer.by_ref().filter(|item| matches!(item, Ok(Imported::Row(_)))).count();
    let summary = importer.summary();
    assert_eq!(rows + usize::try_from(summary.refused_rows).unwrap() + 1, lines);
    assert!(rows > lines / 2, "{rows} of {lines}: {summary:?}");
}

/// Lines made of pieces that formats care about, mixed with any bytes.
fn hostile_source() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "md5,sha1,note\n",
        "{\"md5\":\"",
        "\"}",
        "%%%% size,md5\n",
        "\n",
        "\r\n",
        ",",
        ";",
        "\t",
        "\"",
        "hash=",
        "pdq ",
        "sep=;\n",
        "#",
        "null",
        PDQ,
        MD5,
        SHA1,
        "{\"hashes\":{\"pdq\":",
        "\u{feff}",
    ];
    let piece = prop_oneof![
        4 => prop::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_their_end_without_panic(source in hostile_source(), format in 0..5_usize) {
        let mut builder = ImportSettings::builder();
        if let Some(format) = ImportFormat::ALL.get(format) {
            builder.format(*format);
        }
        let settings = builder.line_limit_bytes(256).build().unwrap();
        let (items, summary) = import(&source, settings);
        if !items.iter().any(|item| item.starts_with("fatal")) {
            let refused = summary.refused_rows + summary.refused_values;
            // A row refused for several values gives an item for each of them.
            prop_assert!(items.len() as u64 >= summary.rows + refused);
        }
        for item in items.iter().filter(|item| item.starts_with("line ")) {
            let line: u64 = item[5..].split([':', ',']).next().unwrap().parse().unwrap();
            prop_assert!(line >= 1 && line <= summary.lines);
        }
    }

    #[test]
    fn quoted_cells_come_back_whatever_they_hold(cells in prop::collection::vec("[ -~\n\r]{0,12}", 1..8)) {
        let mut source = String::from("md5,note\n");
        for cell in &cells {
            writeln!(source, "{MD5},\"x{}x\"", cell.replace('"', "\"\"")).unwrap();
        }
        let importer = Importer::new(source.as_bytes(), ImportSettings::default()).unwrap();
        let notes: Vec<String> = importer
            .map(|item| match item.unwrap() {
                Imported::Row(row) => row.claim.fields[0].1.clone(),
                Imported::Refused(refused) => refused.to_string(),
            })
            .collect();
        // Line ends inside a cell come back as LF.
        let expected: Vec<String> =
            cells.iter().map(|cell| format!("x{cell}x").replace("\r\n", "\n")).collect();
        prop_assert_eq!(notes, expected);
    }
}
