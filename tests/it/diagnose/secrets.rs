//! What no report ever shows.

use std::fs;
use std::path::Path;

use super::run;

#[tokio::test]
async fn every_file_of_the_corpus_gives_a_report_without_secrets() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let index = fs::read_to_string(corpus.join("index.tsv")).unwrap();
    let mut seen = 0;
    for row in index.lines() {
        let mut fields = row.split('\t');
        let file = corpus.join(format!("{}.log", fields.next().unwrap()));
        let options: Vec<_> = fields
            .skip(1)
            .map(|option| option.replace("--format", "--input-format"))
            .collect();
        for format in ["text", "json"] {
            let mut arguments = vec![file.to_str().unwrap(), "--format", format];
            arguments.extend(options.iter().map(String::as_str));
            let (exit, stdout, stderr) = run(&arguments, None).await;
            assert_eq!(stderr, "", "{row}");
            assert!((0..=3).contains(&exit), "{row}");
            for secret in SECRETS {
                assert!(
                    !stdout.to_lowercase().contains(secret),
                    "{secret} of {row}: {stdout}"
                );
            }
        }
        seen += 1;
    }
    assert!(seen >= 11, "{seen}");
}

/// Tokens, users and parts of queries that the clients of the corpus have sent.
const SECRETS: [&str; 15] = [
    "alice",
    "mallory",
    "akadmin",
    "eyj",
    "bearer ",
    "zxzl",
    "ywxpy2u6",
    "next=",
    "redirect=",
    "csrf",
    "?q=",
    "?a=",
    "?x=",
    "?rd=",
    "?lang=",
];
