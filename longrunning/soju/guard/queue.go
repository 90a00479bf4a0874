package guard

// Rank is which messages go before others. Within a rank they keep their order.
type Rank int

// The ranks. An Idle message waits until nothing else does, and Last is the end: after it there is nothing.
const (
	First Rank = iota
	Normal
	Idle
	Last
	ranks
)

// MaxWaiting is how many messages a queue holds before it blocks, as soju's own does at 64.
const MaxWaiting = 4096

// Queue passes messages on from in, in the order of their ranks, and keeps those that nobody takes yet, so that who sends to in
// does not wait. It ends, and closes what it returns, when closed is closed, or when in is and nothing is left.
func Queue[M any](in <-chan M, closed <-chan struct{}, rank func(M) Rank) <-chan M {
	out := make(chan M)
	go (&queue[M]{in: in, out: out, closed: closed, rank: rank}).run()
	return out
}

type queue[M any] struct {
	in      <-chan M
	out     chan M
	closed  <-chan struct{}
	rank    func(M) Rank
	waiting [ranks][]M
	count   int
}

func (q *queue[M]) run() {
	defer close(q.out)
	in := q.in
	for in != nil || q.count > 0 {
		take, give := in, q.out
		if q.count >= MaxWaiting {
			take = nil
		}
		first, rank := q.first()
		if q.count == 0 {
			give = nil
		}
		select {
		case message, more := <-take:
			if !more {
				in = nil
				continue
			}
			r := q.rank(message)
			q.waiting[r] = append(q.waiting[r], message)
			q.count++
		case give <- first:
			var none M
			q.waiting[rank][0] = none
			q.waiting[rank] = q.waiting[rank][1:]
			q.count--
		case <-q.closed:
			return
		}
	}
}

// first is the message whose turn it is, and its rank.
func (q *queue[M]) first() (message M, rank Rank) {
	for rank, waiting := range q.waiting {
		if len(waiting) > 0 {
			return waiting[0], Rank(rank)
		}
	}
	return message, Normal
}
