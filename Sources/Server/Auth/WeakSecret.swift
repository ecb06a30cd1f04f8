/// Secrets that are in examples, templates and tutorials, so that anybody may have them.
enum WeakSecret {
    private static let known = [
        "changeme", "changethis", "changeinproduction", "changeit", "yoursecret", "yoursuper", "yourjwt", "yourkey", "secretkeyhere",
        "supersecret", "mysecret", "defaultsecret", "insecure", "password", "example", "testsecret", "devsecret",
        "0123456789abcdef",
    ]
    /// A secret of 32 random bytes has more, in whatever alphabet it is written.
    private static let distinctBytesMin = 8

    /// Whether it looks like one that was never meant to be used.
    static func isWeak(_ secret: String) -> Bool {
        if Set(secret.utf8).count < distinctBytesMin { return true }
        let letters = String(secret.lowercased().filter { $0.isLetter || $0.isNumber })
        return known.contains { letters.contains($0) }
    }
}
