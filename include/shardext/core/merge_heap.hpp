// K-way merge: keeps the heads of k sorted streams in a binary heap.
#pragma once

namespace shardext::core {

// Entries are stream numbers; `less(a, b)` says whether stream a's head comes before stream b's. The caller
// owns the array, which must have room for k entries.
template <class Less> class MergeHeap {
public:
	MergeHeap(int *entries, Less less, int size = 0) : entries_(entries), size_(size), less_(less) {}

	int size() const { return size_; }
	bool empty() const { return size_ == 0; }
	int top() const { return entries_[0]; }

	void push(int stream) {
		int i = size_++;
		while (i > 0 && less_(stream, entries_[(i - 1) / 2])) {
			entries_[i] = entries_[(i - 1) / 2];
			i = (i - 1) / 2;
		}
		entries_[i] = stream;
	}

	// The top stream has a new head.
	void replaced() { sift_down(entries_[0]); }

	// The top stream is at its end.
	void pop() {
		const int last = entries_[--size_];
		if (size_ > 0)
			sift_down(last);
	}

private:
	void sift_down(int stream) {
		int i = 0;
		for (;;) {
			int child = 2 * i + 1;
			if (child >= size_)
				break;
			if (child + 1 < size_ && less_(entries_[child + 1], entries_[child]))
				child++;
			if (!less_(entries_[child], stream))
				break;
			entries_[i] = entries_[child];
			i = child;
		}
		entries_[i] = stream;
	}

	int *entries_;
	int size_;
	Less less_;
};

} // namespace shardext::core
