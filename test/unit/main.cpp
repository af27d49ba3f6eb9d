// The unit tests' program: Boost.Test supplies its main function.
#define BOOST_TEST_MODULE shardext
#include <boost/test/unit_test.hpp>
