// Nothing: with a file in assembly, the compiler takes functions without a body, so that editors and go vet can read
// the imports of this package on any platform.
