@main
struct SluiceCommand {
  static func main() {
  }
}
