module columns

go 1.24

require plimsoll.io/sdk v0.2.0

replace plimsoll.io/sdk => ../../../../sdk/go
