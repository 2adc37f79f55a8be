//! What looks into the space of codes, through the real binary.

use serde_json::Value;

use crate::support::{refused, succeed, train_squares, write_squares};

#[test]
fn codes_are_mapped_and_their_neighbours_are_alike() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 120, 60);
    let out = directory.path().join("run");
    let run = out.to_str().unwrap();
    succeed(&train_squares(
        &data,
        &out,
        &[
            "--set=train.epochs=20",
            "--set=train.batch_size=8",
            "--quiet",
        ],
    ));
    let points: Value = serde_json::from_str(&succeed(&["map", run, "--json", "--quiet"])).unwrap();
    for plane in ["pca", "t_sne"] {
        let points = points[plane].as_array().unwrap();
        assert_eq!(points.len(), 60);
        assert!(
            points
                .iter()
                .all(|point| point[0].is_f64() && point[1].is_f64())
        );
    }
    let drawn = image::open(out.join("map.png")).unwrap();
    let one = directory.path().join("one.png");
    succeed(&[
        "map",
        run,
        "--projection=pca",
        "--count=20",
        "--out",
        one.to_str().unwrap(),
    ]);
    assert!(image::open(&one).unwrap().width() < drawn.width());
    refused(&["map", run, "--count=3"], &["8 test images; there are 3"]);

    let found: Value = serde_json::from_str(&succeed(&[
        "neighbours",
        run,
        "--rows=8",
        "--count=5",
        "--json",
    ]))
    .unwrap();
    assert_eq!(found["same_class_share"], 1.0);
    let (images, nearest) = (
        found["images"].as_array().unwrap(),
        found["nearest"].as_array().unwrap(),
    );
    assert_eq!((images.len(), nearest.len()), (8, 8));
    for (image, nearest) in images.iter().zip(nearest) {
        let nearest = nearest.as_array().unwrap();
        assert_eq!(nearest.len(), 5);
        assert!(
            !nearest.contains(image),
            "an image is not its own neighbour"
        );
    }
    refused(
        &["neighbours", run, "--count=60"],
        &["61 test images; there are 60"],
    );
}
