import Glibc

/// The names in one folder, in the order of their bytes; blocks.
struct FolderNames {
  private let folder: FileDescriptor
  private let path: LakePath?
  private let rootPath: String

  /// `path` is the folder's own (nil: the root at `rootPath`), for messages.
  init(_ folder: FileDescriptor, of path: LakePath?, rootPath: String) {
    self.folder = folder
    self.path = path
    self.rootPath = rootPath
  }

  /// The `limit` smallest names after `last`; all that are left when fewer come back.
  ///
  /// Names that no `LakePath` can hold are left out: this program can't have written them.
  func smallest(_ limit: Int, after last: String?) throws(LakeError) -> [String] {
    do throws(SystemError) {
      return try scan(limit, after: last)
    } catch {
      guard let path else { throw .rootUnavailable(rootPath, reason: error.text) }
      throw error.lakeError(path, operation: "listing")
    }
  }

  private func scan(_ limit: Int, after last: String?) throws(SystemError) -> [String] {
    // A descriptor of its own, since reading moves the place in the folder.
    let number = try SystemError.check { openat(folder.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard let stream = fdopendir(number) else {
      let failure = SystemError(number: errno)
      close(number)
      throw failure
    }
    defer { closedir(stream) }
    var names: [String] = []
    var bound: String?
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        let number = errno
        if number == 0 { break }
        throw SystemError(number: number)
      }
      guard let name = Self.name(of: entry), (try? LakePath(components: [name])) != nil else { continue }
      if let last, !Self.precedes(last, name) { continue }
      if let bound, !Self.precedes(name, bound) { continue }
      names.append(name)
      if names.count == limit * 2 {
        names.sort(by: Self.precedes)
        names.removeLast(limit)
        bound = names.last
      }
    }
    names.sort(by: Self.precedes)
    return Array(names.prefix(limit))
  }

  private static func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }

  /// Nil for a name that is not UTF-8.
  private static func name(of entry: UnsafeMutablePointer<dirent>) -> String? {
    // Read behind the pointer: the record is shorter than the struct that C declares, and must not be copied whole.
    let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 0
    let text = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
    return String(validatingCString: text)
  }
}
