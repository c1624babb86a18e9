//! Just enough of the ONNX file format to look at the weights before an engine gets them.
//!
//! Walks the protobuf records by number; runs nothing and copies nothing. A tanh can turn a NaN
//! weight into a finite output, so a trial run alone would not find it.

/// Why a model file is refused unseen by any engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnnxError {
    /// The records do not add up.
    #[error("model file is truncated or no ONNX: {0}")]
    Malformed(&'static str),
    /// A weight is NaN or infinite.
    #[error("model weight {tensor:?} has a value that is not finite at {at}; train it again")]
    NonFinite {
        /// Name of the tensor.
        tensor: String,
        /// Place in the tensor, from 0.
        at: usize,
    },
    /// A weight is kept in another file.
    #[error("model weight {0:?} lies outside of the file; export with the weights inside")]
    External(String),
}

/// Facts about a model file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OnnxFacts {
    /// Operator set of the default domain.
    pub(super) opset: i64,
    /// Number of tensors that were looked at.
    pub(super) n_tensors: usize,
}

/// How deep graphs may lie within graphs.
const MAX_DEPTH: u32 = 16;

/// One field of a record.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
    Fixed64,
}

/// The fields of one record, in file order.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Result<u64, OnnxError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self
                .0
                .split_first()
                .ok_or(OnnxError::Malformed("a number is cut off"))?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(OnnxError::Malformed("a number is too long"))
    }

    fn take(&mut self, n: u64) -> Result<&'a [u8], OnnxError> {
        let n = usize::try_from(n).ok().filter(|n| *n <= self.0.len());
        let (head, rest) = self
            .0
            .split_at(n.ok_or(OnnxError::Malformed("a record is cut off"))?);
        self.0 = rest;
        Ok(head)
    }

    fn next(&mut self) -> Result<Option<(u64, Field<'a>)>, OnnxError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let field = match key & 7 {
            0 => Field::Number(self.varint()?),
            1 => {
                self.take(8)?;
                Field::Fixed64
            }
            2 => {
                let n = self.varint()?;
                Field::Bytes(self.take(n)?)
            }
            5 => {
                let bytes = self.take(4)?.try_into().expect("four bytes were taken");
                Field::Fixed32(u32::from_le_bytes(bytes))
            }
            _ => return Err(OnnxError::Malformed("a record of unknown kind")),
        };
        Ok(Some((key >> 3, field)))
    }
}

/// Looks at every tensor of a model file (`ModelProto`).
///
/// # Errors
///
/// When the file is cut off, a weight is not finite, or a weight lies in another file.
pub(super) fn inspect(model: &[u8]) -> Result<OnnxFacts, OnnxError> {
    let mut fields = Fields(model);
    let (mut opset, mut n_tensors, mut has_graph) = (None, 0, false);
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (7, Field::Bytes(graph)) => {
                has_graph = true;
                walk_graph(graph, 0, &mut n_tensors)?;
            }
            (8, Field::Bytes(record)) => opset = default_opset(record)?.or(opset),
            _ => {}
        }
    }
    if !has_graph {
        return Err(OnnxError::Malformed("there is no graph in it"));
    }
    Ok(OnnxFacts {
        opset: opset.ok_or(OnnxError::Malformed("there is no operator set in it"))?,
        n_tensors,
    })
}

/// `OperatorSetIdProto`: version of the default domain.
fn default_opset(record: &[u8]) -> Result<Option<i64>, OnnxError> {
    let mut fields = Fields(record);
    let (mut default, mut version) = (true, None);
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, Field::Bytes(domain)) => default = domain.is_empty() || domain == b"ai.onnx",
            (2, Field::Number(n)) => version = i64::try_from(n).ok(),
            _ => {}
        }
    }
    Ok(version.filter(|_| default))
}

/// `GraphProto`: initialisers, and the constants of its nodes.
fn walk_graph(graph: &[u8], depth: u32, n_tensors: &mut usize) -> Result<(), OnnxError> {
    if MAX_DEPTH < depth {
        return Err(OnnxError::Malformed("graphs are nested too deep"));
    }
    let mut fields = Fields(graph);
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, Field::Bytes(node)) => walk_node(node, depth, n_tensors)?,
            (5, Field::Bytes(tensor)) => check_tensor(tensor, n_tensors)?,
            (15, Field::Bytes(_)) => {
                return Err(OnnxError::Malformed("sparse weights are not supported"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// `NodeProto`: the tensors and graphs in its attributes.
fn walk_node(node: &[u8], depth: u32, n_tensors: &mut usize) -> Result<(), OnnxError> {
    let mut fields = Fields(node);
    while let Some((number, field)) = fields.next()? {
        let (5, Field::Bytes(attribute)) = (number, field) else {
            continue;
        };
        let mut parts = Fields(attribute);
        while let Some((number, field)) = parts.next()? {
            match (number, field) {
                (5 | 10, Field::Bytes(tensor)) => check_tensor(tensor, n_tensors)?,
                (6 | 11, Field::Bytes(graph)) => walk_graph(graph, depth + 1, n_tensors)?,
                _ => {}
            }
        }
    }
    Ok(())
}

/// `TensorProto`: every number of a floating-point tensor.
fn check_tensor(tensor: &[u8], n_tensors: &mut usize) -> Result<(), OnnxError> {
    *n_tensors += 1;
    let (mut name, mut kind, mut external) = (String::new(), 0, false);
    let mut fields = Fields(tensor);
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (2, Field::Number(n)) => kind = n,
            (8, Field::Bytes(text)) => {
                name = String::from_utf8_lossy(text).chars().take(60).collect();
            }
            (14, Field::Number(n)) => external = n == 1,
            _ => {}
        }
    }
    if external {
        return Err(OnnxError::External(name));
    }
    let mut fields = Fields(tensor);
    let mut seen = 0;
    while let Some((number, field)) = fields.next()? {
        let bad = match (number, field) {
            // `float_data` and `double_data`, packed; one float at a time is allowed as well.
            (4, Field::Bytes(data)) => first_not_finite(data, 1),
            (4, Field::Fixed32(bits)) => {
                seen += 1;
                (!f32::from_bits(bits).is_finite()).then_some(seen - 1)
            }
            (9, Field::Bytes(data)) => first_not_finite(data, kind),
            (10, Field::Bytes(data)) => first_not_finite(data, 11),
            _ => None,
        };
        if let Some(at) = bad {
            return Err(OnnxError::NonFinite { tensor: name, at });
        }
    }
    Ok(())
}

/// Place of the first NaN or infinity in little-endian numbers of an ONNX element type.
fn first_not_finite(data: &[u8], kind: u64) -> Option<usize> {
    match kind {
        1 => data
            .as_chunks::<4>()
            .0
            .iter()
            .position(|b| !f32::from_le_bytes(*b).is_finite()),
        11 => data
            .as_chunks::<8>()
            .0
            .iter()
            .position(|b| !f64::from_le_bytes(*b).is_finite()),
        // Half and brain floats: all exponent bits set.
        10 => halves(data, 0x7c00),
        16 => halves(data, 0x7f80),
        _ => None,
    }
}

fn halves(data: &[u8], exponent: u16) -> Option<usize> {
    data.as_chunks::<2>()
        .0
        .iter()
        .position(|b| u16::from_le_bytes(*b) & exponent == exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record field with bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let len = u8::try_from(bytes.len()).unwrap();
        assert!(len < 128);
        [&[number << 3 | 2, len], bytes].concat()
    }

    fn tensor(kind: u8, number: u8, data: &[u8]) -> Vec<u8> {
        [vec![2 << 3, kind], field(8, b"w"), field(number, data)].concat()
    }

    fn model(graph: &[u8]) -> Vec<u8> {
        [field(7, graph), field(8, &[2 << 3, 17])].concat()
    }

    #[test]
    fn non_finite_weights_are_found_wherever_they_hide() {
        let floats = |x: f32| [1.0_f32.to_le_bytes(), x.to_le_bytes()].concat();
        let nan = floats(f32::NAN);
        let doubles = [1.0_f64.to_le_bytes(), f64::INFINITY.to_le_bytes()].concat();
        let node = |t: &[u8]| field(1, &field(5, &field(5, t)));
        let nested = |t: &[u8]| field(1, &field(5, &field(6, &field(5, t))));
        for graph in [
            field(5, &tensor(1, 9, &nan)),
            field(5, &tensor(1, 4, &nan)),
            field(5, &tensor(11, 9, &doubles)),
            field(5, &tensor(11, 10, &doubles)),
            field(5, &tensor(10, 9, &[0, 0, 0, 0x7e])),
            field(5, &tensor(16, 9, &[0, 0, 0x80, 0xff])),
            node(&tensor(1, 9, &nan)),
            nested(&tensor(1, 9, &nan)),
        ] {
            let error = OnnxError::NonFinite {
                tensor: "w".to_owned(),
                at: 1,
            };
            assert_eq!(inspect(&model(&graph)), Err(error));
        }
        let fine = [
            field(5, &tensor(1, 9, &floats(2.0))),
            // Integers may have any bits.
            field(5, &tensor(7, 9, &[0xff; 8])),
        ];
        let facts = inspect(&model(&fine.concat()));
        let (opset, n_tensors) = (17, 2);
        assert_eq!(facts, Ok(OnnxFacts { opset, n_tensors }));
    }

    #[test]
    fn weights_in_other_files_are_refused() {
        let outside = [tensor(1, 9, &[]), vec![14 << 3, 1]].concat();
        let error = inspect(&model(&field(5, &outside)));
        assert_eq!(error, Err(OnnxError::External("w".to_owned())));
    }

    #[test]
    fn every_cut_is_an_error_or_lacks_something() {
        let whole = model(&field(5, &tensor(1, 9, &1.0_f32.to_le_bytes())));
        assert!(inspect(&whole).is_ok());
        for n in 0..whole.len() {
            assert!(inspect(&whole[..n]).is_err(), "{n} bytes");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_an_answer(bytes in proptest::collection::vec(0_u8.., 0..200)) {
            drop(inspect(&bytes));
        }
    }
}
