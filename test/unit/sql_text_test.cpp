// Splicing: names are found where they stand, and nothing inside of quotes is touched.
#include "shardext/core/sql_text.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <ostream>
#include <random>
#include <string>
#include <vector>

using namespace shardext::core;

namespace {

// Puts `name` in place of what starts at the given locations, the way a task's text is made.
std::string splice(const std::string &text, std::vector<size_t> locations, const std::string &name) {
	std::vector<Cut> cuts(locations.size());
	const size_t count = cut_identifiers(text, locations.data(), locations.size(), cuts.data());
	std::string result;
	walk_pieces(
		text.size(), cuts.data(), count,
		[&](size_t begin, size_t end) {
			BOOST_TEST(begin < end); // no empty pieces
			result += text.substr(begin, end - begin);
		},
		[&](size_t) { result += name; });
	return result;
}

std::string fold(std::string text) {
	text.resize(fold_white_space(text.data()));
	return text;
}

struct Name {
	const char *text;
	size_t length;
};
std::ostream &operator<<(std::ostream &out, const Name &name) {
	return out << name.text;
}
const Name kNames[] = {
	{"public.orders", 6},
	{"shop", 4},
	{"shop ", 4},
	{"shop\n.t", 4},
	{"\"shop\".t", 6},
	{"\"a.b\".t", 5},
	{"\"a b\" .t", 5},
	{"\"a\"\"b\".t", 6},
	{"\"\"\"\".t", 4},			// the name is one quote
	{"\"a\"\"\".t", 5},			// ends in a quote
	{"\"a\"\".b\"\"c\".t", 10}, // a dot between doubled quotes
	{"\"O'Neil\".t", 8},
	{"\"\xc3\xa4\xc3\xb6\".t", 6},
	{"\xc3\xa4\xc3\xb6.t", 4},
	{"a$1.t", 3},
	{"", 0},
	{"\"open", 5}, // never printed; must not read beyond the end
};

} // namespace

BOOST_AUTO_TEST_SUITE(sql_text)

BOOST_DATA_TEST_CASE(identifiers_end_where_they_end, kNames, name) {
	BOOST_TEST(identifier_length(name.text) == name.length);
}

BOOST_AUTO_TEST_CASE(one_table) {
	BOOST_TEST(splice("SELECT k FROM public.t", {14}, "shardext_7") == "SELECT k FROM shardext_7.t");
}

BOOST_AUTO_TEST_CASE(at_the_very_start_and_end) {
	BOOST_TEST(splice("a.t", {0}, "x") == "x.t");
	BOOST_TEST(splice("a", {0}, "x") == "x");
	BOOST_TEST(splice("", {}, "x") == "");
	BOOST_TEST(splice("no table", {}, "x") == "no table");
}

BOOST_AUTO_TEST_CASE(locations_come_in_any_order) {
	const std::string text = "SELECT FROM a.t JOIN \"b c\".u USING (k)";
	const std::string expected = "SELECT FROM x.t JOIN x.u USING (k)";
	BOOST_TEST(splice(text, {12, 21}, "x") == expected);
	BOOST_TEST(splice(text, {21, 12}, "x") == expected);
}

// (a, b) = (SELECT … FROM t) is one range variable that a walk over the tree meets twice.
BOOST_AUTO_TEST_CASE(a_location_that_is_given_twice_is_cut_once) {
	const std::string text = "UPDATE a.t SET (b, c) = (SELECT 1, 2 FROM a.u)";
	BOOST_TEST(splice(text, {7, 42, 42}, "shardext_1") ==
			   "UPDATE shardext_1.t SET (b, c) = (SELECT 1, 2 FROM shardext_1.u)");
	BOOST_TEST(splice(text, {42, 7, 42, 7}, "x") == "UPDATE x.t SET (b, c) = (SELECT 1, 2 FROM x.u)");
}

BOOST_AUTO_TEST_CASE(neighbours) {
	BOOST_TEST(splice("a.t,a.t", {0, 4}, "long_name") == "long_name.t,long_name.t");
}

// What looks like the name in a literal, a column or an alias stays.
BOOST_AUTO_TEST_CASE(only_the_locations_change) {
	const std::string text = "SELECT 'a.t', a.\"a.t\" FROM a.t a WHERE a.b = 'a'";
	BOOST_TEST(splice(text, {27}, "s") == "SELECT 'a.t', a.\"a.t\" FROM s.t a WHERE a.b = 'a'");
}

BOOST_AUTO_TEST_CASE(random_texts) {
	std::mt19937 random(20261121);
	const auto below = [&](int n) { return static_cast<int>(random() % n); };
	const std::vector<std::string> names = {"s", "\"A b\"", "\"x.\"\"y\"", "\"\"\"\"", "sch$ema"};
	const std::vector<std::string> fillers = {" FROM ", ",",	" = 'it''s' AND ", " \"a\"\"b\" ", "\n\t",
											  "(",		"'s.t'"};
	for (int round = 0; round < 2000; round++) {
		std::string text, expected;
		std::vector<size_t> locations;
		for (int i = below(8); i >= 0; i--) {
			const std::string &filler = fillers[below(static_cast<int>(fillers.size()))];
			text += filler;
			expected += filler;
			if (below(2) == 0)
				continue;
			for (int times = 1 + below(2); times > 0; times--)
				locations.push_back(text.size());
			text += names[below(static_cast<int>(names.size()))] + ".t";
			expected += "NEW.t";
		}
		std::shuffle(locations.begin(), locations.end(), random);
		BOOST_TEST_REQUIRE(splice(text, locations, "NEW") == expected);
	}
}

BOOST_AUTO_TEST_CASE(words_are_found_outside_of_quotes_only) {
	const std::string word = "DEFAULT VALUES";
	const auto find = [&](const char *text) { return find_outside_quotes(text, word); };
	BOOST_TEST(find("INSERT INTO a.t DEFAULT VALUES") == 16U);
	BOOST_TEST(find("INSERT INTO a.\"DEFAULT VALUES\" DEFAULT VALUES RETURNING 1") == 31U);
	BOOST_TEST(find("INSERT INTO a.\"x\"\"DEFAULT VALUES\" DEFAULT VALUES") == 34U);
	BOOST_TEST(find("'DEFAULT VALUES'") == std::string_view::npos);
	BOOST_TEST(find("'it''s DEFAULT VALUES' x") == std::string_view::npos);
	BOOST_TEST(find("DEFAULT VALUE") == std::string_view::npos);
	BOOST_TEST(find("") == std::string_view::npos);
}

BOOST_AUTO_TEST_CASE(white_space_is_folded_outside_of_quotes_only) {
	BOOST_TEST(fold(" SELECT a,\n    b\n   FROM t ") == "SELECT a, b FROM t ");
	BOOST_TEST(fold("'a  b'  \"c\n d\"") == "'a  b' \"c\n d\"");
	BOOST_TEST(fold("'it''s   so'   x") == "'it''s   so' x");
	BOOST_TEST(fold("\"\"\"  \"   x") == "\"\"\"  \" x");
	BOOST_TEST(fold("'\"  '   \"'  \"") == "'\"  ' \"'  \"");
	BOOST_TEST(fold("E\\ \t x") == "E\\ x");
	BOOST_TEST(fold("") == "");
	BOOST_TEST(fold("\n \n") == "");
}

BOOST_AUTO_TEST_SUITE_END()
