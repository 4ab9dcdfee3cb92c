import Testing

/// The built program, tried from outside. One after the other: each test starts processes of its own, and twenty servers
/// at once on a small machine tell nothing about the program.
@Suite("The program", .serialized, .timeLimit(.minutes(5)))
enum ProgramTests {}
