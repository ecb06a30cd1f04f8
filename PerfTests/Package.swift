// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
]

// A package of its own, so that what only benches need stays out of the product. Only the client library is built of the product;
// the server is the executable that is measured.
let package = Package(
    name: "cashup-perf",
    products: [.executable(name: "cashup-bench", targets: ["cashup-bench"])],
    dependencies: [
        .package(name: "cashup", path: ".."),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    ],
    targets: [
        .executableTarget(
            name: "cashup-bench",
            dependencies: [
                .product(name: "Client", package: "cashup"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict)
    ]
)
