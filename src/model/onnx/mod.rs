//! Networks as ONNX files, which most other tools run.
//!
//! # Source
//! ONNX, *Open Neural Network Exchange*, operator set 17.

mod messages;

use prost::Message;

use super::{Activation, FoldIn, PortableCodec, PortableLayer, Stage};
use messages::{
    Attribute, Dimension, FLOAT, Graph, INT64, Kind, Model, Node, OperatorSet, Shape, Size,
    TensorKind, TensorValue, ValueInfo,
};

/// The oldest that has all that is needed; what runs newer ones runs it.
const OPERATOR_SET: i64 = 17;
const IR_VERSION: i64 = 8;
/// The first dimension of all inputs and outputs may be any number.
const BATCH: &str = "batch";

/// A network that encodes and decodes, whole and in halves.
#[derive(Clone, Debug)]
pub struct OnnxCodec {
    /// `image [batch, pixels] → code [batch, code size]`
    pub encoder: Vec<u8>,
    /// `code [batch, code size] → reconstruction [batch, pixels]`
    pub decoder: Vec<u8>,
    /// `image [batch, pixels] → code [batch, code size], reconstruction [batch, pixels]`
    pub whole: Vec<u8>,
}

/// A network that encodes and decodes images of so many pixels; `about` says what it is.
pub fn codec(network: &PortableCodec, pixels: usize, code_size: usize, about: &str) -> OnnxCodec {
    let image = || value("image", pixels, "pixels in [0, 1], row by row");
    let code = || value("code", code_size, "");
    let reconstruction = || value("reconstruction", pixels, "pixels, row by row");
    let mut encoder = Builder::default();
    encoder.stages("encoder", &network.encoder, "image", "code");
    let mut decoder = Builder::default();
    decoder.stages("decoder", &network.decoder, "code", "reconstruction");
    let mut whole = Builder::default();
    whole.stages("encoder", &network.encoder, "image", "code");
    whole.stages("decoder", &network.decoder, "code", "reconstruction");
    OnnxCodec {
        encoder: encoder.finish(about, vec![image()], vec![code()]),
        decoder: decoder.finish(about, vec![code()], vec![reconstruction()]),
        whole: whole.finish(about, vec![image()], vec![code(), reconstruction()]),
    }
}

/// A network that classifies: `point [batch, inputs] → logits, probabilities [batch, classes]`.
pub fn classifier(layers: &[PortableLayer], about: &str) -> Vec<u8> {
    let stages: Vec<Stage> = layers.iter().cloned().map(Stage::Dense).collect();
    let inputs = layers.first().map_or(0, |layer| layer.inputs);
    let classes = layers.last().map_or(0, |layer| layer.outputs);
    let mut builder = Builder::default();
    builder.stages("layers", &stages, "point", "logits");
    let softmax = Attribute::int("axis", 1);
    builder.node("Softmax", &["logits"], "probabilities", vec![softmax]);
    builder.finish(
        about,
        vec![value("point", inputs, "coordinates")],
        vec![
            value("logits", classes, ""),
            value("probabilities", classes, ""),
        ],
    )
}

/// A matrix of numbers that a graph takes or gives, one row an example.
fn value(name: &str, width: usize, doc_string: &str) -> ValueInfo {
    let sizes = [Size::Parameter(BATCH.into()), Size::Value(width as i64)];
    let dim = sizes.map(|size| Dimension { size: Some(size) }).into();
    ValueInfo {
        name: name.into(),
        kind: Some(Kind {
            tensor_type: Some(TensorKind {
                elem_type: FLOAT,
                shape: Some(Shape { dim }),
            }),
        }),
        doc_string: doc_string.into(),
    }
}

/// A graph being built: nodes in the order in which they run.
#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    initializers: Vec<TensorValue>,
}

impl Builder {
    /// Adds stages from the value `input` to the value `output`; their names begin with `prefix`.
    fn stages(&mut self, prefix: &str, stages: &[Stage], input: &str, output: &str) {
        let mut from = input.to_owned();
        for (index, stage) in stages.iter().enumerate() {
            let name = format!("{prefix}.{index}");
            let to = match index + 1 == stages.len() {
                true => output.to_owned(),
                false => format!("{name}.output"),
            };
            match stage {
                Stage::Dense(layer) => self.dense(&name, layer, &from, &to),
                Stage::FoldIn(fold_in) => self.fold_in(&name, fold_in, &from, &to),
            }
            from = to;
        }
    }

    fn dense(&mut self, name: &str, layer: &PortableLayer, from: &str, to: &str) {
        let width = layer.bias.len();
        let weight = self.floats(
            &format!("{name}.weight"),
            &[layer.inputs, width],
            &layer.weight,
        );
        let bias = self.floats(&format!("{name}.bias"), &[width], &layer.bias);
        let sums = match layer.activation {
            Activation::Linear => to.to_owned(),
            _ => format!("{name}.sums"),
        };
        self.node("Gemm", &[from, &weight, &bias], &sums, Vec::new());
        self.activation(name, layer, &sums, to);
    }

    fn activation(&mut self, name: &str, layer: &PortableLayer, h: &str, to: &str) {
        let part = |part: &str| format!("{name}.{part}");
        let mut simple = |op_type: &str, attributes| self.node(op_type, &[h], to, attributes);
        match layer.activation {
            // Its sums are what it gives.
            Activation::Linear => {}
            Activation::Sigmoid => simple("Sigmoid", Vec::new()),
            Activation::Tanh => simple("Tanh", Vec::new()),
            Activation::Relu => simple("Relu", Vec::new()),
            Activation::LeakyRelu { slope } => {
                simple("LeakyRelu", vec![Attribute::float("alpha", slope as f32)]);
            }
            Activation::Elu => simple(
                "Elu",
                vec![Attribute::float("alpha", super::ELU_ALPHA as f32)],
            ),
            Activation::Silu => {
                self.node("Sigmoid", &[h], &part("sigmoid"), Vec::new());
                self.node("Mul", &[h, &part("sigmoid")], to, Vec::new());
            }
            Activation::Gelu => self.gelu(name, h, to),
            Activation::GeluTanh => self.gelu_tanh(name, h, to),
            Activation::Maxout => {
                let pieces = layer.activation.pieces() as i64;
                let shape = self.ints(&part("pieces"), &[-1, layer.outputs as i64, pieces]);
                self.node("Reshape", &[h, &shape], &part("apart"), Vec::new());
                let attributes = vec![Attribute::ints("axes", &[2]), Attribute::int("keepdims", 0)];
                self.node("ReduceMax", &[&part("apart")], to, attributes);
            }
        }
    }

    /// `½ h (1 + erf(h / √2))`: an operator of its own from set 20 on only.
    fn gelu(&mut self, name: &str, h: &str, to: &str) {
        let part = |part: &str| format!("{name}.{part}");
        let constants = [
            ("root", std::f64::consts::FRAC_1_SQRT_2),
            ("one", 1.0),
            ("half", 0.5),
        ];
        let [root, one, half] =
            constants.map(|(constant, number)| self.floats(&part(constant), &[], &[number as f32]));
        self.node("Mul", &[h, &root], &part("scaled"), Vec::new());
        self.node("Erf", &[&part("scaled")], &part("erf"), Vec::new());
        self.node("Add", &[&part("erf"), &one], &part("gate"), Vec::new());
        self.node("Mul", &[&part("gate"), h], &part("doubled"), Vec::new());
        self.node("Mul", &[&part("doubled"), &half], to, Vec::new());
    }

    /// `½ h (1 + tanh(√(2/π) (h + 0.044715 h³)))`: an operator of its own from set 20 on only.
    fn gelu_tanh(&mut self, name: &str, h: &str, to: &str) {
        let part = |part: &str| format!("{name}.{part}");
        let constants = [
            ("cube", 0.044_715),
            ("scale", (2.0 / std::f64::consts::PI).sqrt()),
            ("one", 1.0),
            ("half", 0.5),
        ];
        let [cube, scale, one, half] =
            constants.map(|(constant, number)| self.floats(&part(constant), &[], &[number as f32]));
        let steps: [(&str, &str, &str, &str); 8] = [
            ("Mul", h, h, "squared"),
            ("Mul", "squared", h, "cubed"),
            ("Mul", "cubed", &cube, "bent"),
            ("Add", "bent", h, "inner"),
            ("Mul", "inner", &scale, "scaled"),
            ("Tanh", "scaled", "", "tanh"),
            ("Add", "tanh", &one, "gate"),
            ("Mul", "gate", h, "doubled"),
        ];
        let made: Vec<&str> = steps.iter().map(|step| step.3).collect();
        let named = |value: &str| match made.contains(&value) {
            true => part(value),
            false => value.to_owned(),
        };
        for (op_type, a, b, output) in steps {
            let inputs = [named(a), named(b)];
            let inputs: Vec<&str> = inputs
                .iter()
                .map(String::as_str)
                .filter(|input| !input.is_empty())
                .collect();
            self.node(op_type, &inputs, &part(output), Vec::new());
        }
        self.node("Mul", &[&part("doubled"), &half], to, Vec::new());
    }

    /// `h₀ = Σ x / topics`, then as many updates as there are, one after another.
    fn fold_in(&mut self, name: &str, fold_in: &FoldIn, from: &str, to: &str) {
        let part = |part: &str| format!("{name}.{part}");
        let count = fold_in.topics.len() / fold_in.pixels;
        let topics = self.floats(&part("topics"), &[count, fold_in.pixels], &fold_in.topics);
        let tiny = self.floats(&part("tiny"), &[], &[fold_in.tiny]);
        let least = self.floats(&part("least"), &[], &[fold_in.least]);
        let even = self.floats(&part("even"), &[1, count], &vec![1.0 / count as f32; count]);
        self.node(
            "Transpose",
            &[&topics],
            &part("transposed"),
            vec![Attribute::ints("perm", &[1, 0])],
        );
        let axis = self.ints(&part("axis"), &[1]);
        self.node(
            "ReduceSum",
            &[from, &axis],
            &part("ink"),
            vec![Attribute::int("keepdims", 1)],
        );
        let mut code = part("begin");
        self.node("MatMul", &[&part("ink"), &even], &code, Vec::new());
        for update in 1..=fold_in.updates {
            let step = |what: &str| format!("{name}.{update}.{what}");
            self.node("MatMul", &[&code, &topics], &step("drawn"), Vec::new());
            self.node("Add", &[&step("drawn"), &tiny], &step("above"), Vec::new());
            self.node("Div", &[from, &step("above")], &step("ratio"), Vec::new());
            self.node(
                "MatMul",
                &[&step("ratio"), &part("transposed")],
                &step("factor"),
                Vec::new(),
            );
            self.node(
                "Mul",
                &[&code, &step("factor")],
                &step("product"),
                Vec::new(),
            );
            code = match update == fold_in.updates {
                true => to.to_owned(),
                false => step("code"),
            };
            self.node("Max", &[&step("product"), &least], &code, Vec::new());
        }
    }

    fn node(&mut self, op_type: &str, inputs: &[&str], output: &str, attribute: Vec<Attribute>) {
        self.nodes.push(Node {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.to_owned()],
            name: format!("{output}:{op_type}"),
            op_type: op_type.to_owned(),
            attribute,
        });
    }

    /// Adds numbers, and gives their name.
    fn floats(&mut self, name: &str, dimensions: &[usize], values: &[f32]) -> String {
        let raw_data = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.tensor(
            name,
            dimensions.iter().map(|&size| size as i64).collect(),
            FLOAT,
            raw_data,
        )
    }

    fn ints(&mut self, name: &str, values: &[i64]) -> String {
        let raw_data = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.tensor(name, vec![values.len() as i64], INT64, raw_data)
    }

    fn tensor(&mut self, name: &str, dims: Vec<i64>, data_type: i32, raw_data: Vec<u8>) -> String {
        self.initializers.push(TensorValue {
            dims,
            data_type,
            name: name.to_owned(),
            raw_data,
        });
        name.to_owned()
    }

    /// The file.
    fn finish(self, about: &str, input: Vec<ValueInfo>, output: Vec<ValueInfo>) -> Vec<u8> {
        let model = Model {
            ir_version: IR_VERSION,
            producer_name: "hourglass".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            doc_string: about.into(),
            graph: Some(Graph {
                node: self.nodes,
                name: "network".into(),
                initializer: self.initializers,
                input,
                output,
            }),
            opset_import: vec![OperatorSet {
                domain: String::new(),
                version: OPERATOR_SET,
            }],
        };
        model.encode_to_vec()
    }
}
