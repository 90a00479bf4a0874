-- +goose Up
-- Whoever may replace a customer can do so only by one that was never anybody's, and keeps the old id: nobody comes to
-- what another pays for, whatever program is taken over.
-- +goose StatementBegin
CREATE FUNCTION check_replaced_customer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.former_customers IS DISTINCT FROM OLD.former_customers || OLD.customer_id
        OR EXISTS (SELECT FROM billing WHERE NEW.customer_id = customer_id OR NEW.customer_id = ANY (former_customers))
    THEN
        RAISE insufficient_privilege USING MESSAGE = 'a customer is replaced by a new one alone, and is kept as a former one';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER replaced_customer BEFORE UPDATE OF customer_id, former_customers ON billing
    FOR EACH ROW EXECUTE FUNCTION check_replaced_customer();

-- +goose Down
DROP TRIGGER replaced_customer ON billing;
DROP FUNCTION check_replaced_customer;
