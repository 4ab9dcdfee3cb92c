/// A stretch of appended bytes that no flush has covered yet.
struct Extent: Hashable {
  let position: Int
  let count: Int

  var end: Int { position + count }
}
