package run

// slot holds the latest message of a kind. Putting one never blocks: it takes
// the place of an older one that nobody has fetched yet.
type slot[T any] struct{ c chan T }

func newSlot[T any]() slot[T] { return slot[T]{make(chan T, 1)} }

func (s slot[T]) put(v T) {
	for {
		select {
		case s.c <- v:
			return
		default:
		}
		select {
		case <-s.c:
		default:
		}
	}
}
