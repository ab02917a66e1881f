module tidegate.dev/bench/mercure

go 1.25

require github.com/dunglas/mercure v0.21.0
